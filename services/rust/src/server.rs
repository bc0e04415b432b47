//! axum's server, which here ends connections on which the head of a request takes too long.
//!
//! hyper's own `header_read_timeout` also runs between two requests, so it would close connections
//! that are merely idle, and it sets a timer for each request. This deadline sets one only while a
//! head is incomplete.

use std::{
    convert::Infallible,
    future::ready,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    task::{self, Context, Poll},
    time::Duration,
};

use axum::{
    Router,
    extract::Request,
    serve::{IncomingStream, Listener},
};
use futures_util::FutureExt;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    time::{Sleep, sleep},
};
use tower::{Service, service_fn};

const HEAD: Duration = Duration::from_secs(10);

/// What a connection is at. The connection itself and the service of its requests share it.
#[derive(Clone)]
struct Phase(Arc<AtomicU8>);

impl Phase {
    /// Between two requests.
    const IDLE: u8 = 0;
    /// A head is due: the connection is new, or a part of the head has come.
    const HEAD: u8 = 1;
    /// The head was complete, and the service has not answered yet.
    const REQUEST: u8 = 2;

    fn is(&self, phase: u8) -> bool {
        self.0.load(Ordering::Relaxed) == phase
    }

    fn set(&self, phase: u8) {
        self.0.store(phase, Ordering::Relaxed);
    }
}

/// Accepts connections that have the deadline.
struct DeadlineListener(TcpListener);

impl Listener for DeadlineListener {
    type Io = Connection<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let (stream, address) = Listener::accept(&mut self.0).await;
        // It fails only on a connection that is gone already.
        let _ = stream.set_nodelay(true);
        (Connection::new(stream), address)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.0.local_addr()
    }
}

/// Serves until `stop`, and then until all requests in flight are answered.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let service = service_fn(move |stream: IncomingStream<'_, DeadlineListener>| {
        let phase = stream.io().phase.clone();
        let mut router = router.clone();
        let service = service_fn(move |request: Request| {
            phase.set(Phase::REQUEST);
            let phase = phase.clone();
            router
                .call(request)
                .inspect(move |_| phase.set(Phase::IDLE))
        });
        ready(Ok::<_, Infallible>(service))
    });
    axum::serve(DeadlineListener(listener), service)
        .with_graceful_shutdown(stop)
        .await
}

struct Connection<S> {
    stream: S,
    phase: Phase,
    timer: Option<Pin<Box<Sleep>>>,
}

impl<S> Connection<S> {
    fn new(stream: S) -> Self {
        Self {
            stream,
            phase: Phase(Arc::new(AtomicU8::new(Phase::HEAD))),
            timer: None,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Connection<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        if read.is_ready() {
            if self.phase.is(Phase::IDLE) {
                self.phase.set(Phase::HEAD);
                self.timer = None;
            }
            return read;
        }
        if self.phase.is(Phase::HEAD) {
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(HEAD)));
            task::ready!(timer.as_mut().poll(cx));
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Poll::Pending
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Connection<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests;
