//! axum's server, which here ends connections on which the head of a request takes too long, or is
//! too long.
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
        atomic::{AtomicU8, AtomicU32, Ordering},
    },
    task::{self, Context, Poll},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, HttpBody},
    extract::Request,
    serve::{IncomingStream, Listener},
};
use futures_util::FutureExt;
use http_body_util::BodyExt;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf, Take},
    net::{TcpListener, TcpStream},
    time::{Sleep, sleep},
};
use tower::{Service, service_fn};

const HEAD: Duration = Duration::from_secs(10);

/// What is read at once, and what is read of a head after its beginning has come. So no head is
/// over twice that; hyper alone would take 400 KB.
const PIECE: u64 = 32_768;

/// How far a connection is. The connection itself and the service of its requests share it.
#[derive(Clone)]
struct Progress(Arc<Shared>);

struct Shared {
    phase: AtomicU8,
    /// The last four bytes of the request that came last; see `last_four`.
    end: AtomicU32,
}

impl Progress {
    /// Between two requests.
    const IDLE: u8 = 0;
    /// A head is due: the connection is new, or a part of the head has come.
    const HEAD: u8 = 1;
    /// The head was complete, and the service has not answered yet.
    const REQUEST: u8 = 2;

    /// The end of a head, and of a chunked body.
    const EMPTY_LINE: u32 = u32::from_be_bytes(*b"\r\n\r\n");
    /// That end where lines end without a carriage return, which hyper takes.
    const BARE_EMPTY_LINE: u32 = 0x0a0a;
    /// Nobody has read the body.
    const UNKNOWN: u32 = 0;

    fn new() -> Self {
        Self(Arc::new(Shared {
            phase: AtomicU8::new(Self::HEAD),
            end: AtomicU32::new(Self::EMPTY_LINE),
        }))
    }

    fn is(&self, phase: u8) -> bool {
        self.0.phase.load(Ordering::Relaxed) == phase
    }

    fn set(&self, phase: u8) {
        self.0.phase.store(phase, Ordering::Relaxed);
    }

    /// A head was complete.
    fn begin(&self, request: Request) -> Request {
        self.set(Self::REQUEST);
        if matches!(request.body().size_hint().exact(), None | Some(0)) {
            self.0.end.store(Self::EMPTY_LINE, Ordering::Relaxed);
            return request;
        }
        self.0.end.store(Self::UNKNOWN, Ordering::Relaxed);
        let (progress, mut end) = (self.clone(), Self::EMPTY_LINE);
        request.map(|body| {
            Body::new(body.map_frame(move |frame| {
                if let Some(data) = frame.data_ref() {
                    end = last_four(end, data);
                    progress.0.end.store(end, Ordering::Relaxed);
                }
                frame
            }))
        })
    }

    /// Whether a connection, whose last four bytes these are, brought more than the last request.
    fn is_exceeded(&self, received: u32) -> bool {
        let end = self.0.end.load(Ordering::Relaxed);
        let bare = end == Self::EMPTY_LINE && received & 0xffff == Self::BARE_EMPTY_LINE;
        end != Self::UNKNOWN && end != received && !bare
    }
}

/// The last four bytes of those before and these.
///
/// An example: `GET /ping HTTP/1.1\r\nhost: a\r\n\r\nGET /p` comes in one piece. hyper takes the
/// first head, and keeps `GET /p` for later without a word. The last four bytes that came are
/// `T /p`, and the request ended in `\r\n\r\n`: so a part of the next head has come, and its time
/// runs.
fn last_four(before: u32, bytes: &[u8]) -> u32 {
    bytes[bytes.len().saturating_sub(4)..]
        .iter()
        .fold(before, |last, &byte| (last << 8) | u32::from(byte))
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
        let progress = stream.io().progress.clone();
        let mut router = router.clone();
        let service = service_fn(move |request: Request| {
            let request = progress.begin(request);
            let progress = progress.clone();
            router
                .call(request)
                .inspect(move |_| progress.set(Progress::IDLE))
        });
        ready(Ok::<_, Infallible>(service))
    });
    axum::serve(DeadlineListener(listener), service)
        .with_graceful_shutdown(stop)
        .await
}

struct Connection<S> {
    /// At its limit it looks as if the client had hung up.
    stream: Take<S>,
    progress: Progress,
    timer: Option<Pin<Box<Sleep>>>,
    /// The last four bytes that came; see `last_four`.
    received: u32,
}

impl<S: AsyncRead> Connection<S> {
    fn new(stream: S) -> Self {
        Self {
            stream: stream.take(PIECE),
            progress: Progress::new(),
            timer: None,
            received: Progress::EMPTY_LINE,
        }
    }

    fn expect_head(&mut self) {
        self.progress.set(Progress::HEAD);
        self.timer = None;
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Connection<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        if !self.progress.is(Progress::HEAD) {
            self.stream.set_limit(PIECE);
        }
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        let idle = self.progress.is(Progress::IDLE);
        if read.is_ready() {
            self.received = last_four(self.received, &buf.filled()[before..]);
            if idle {
                self.expect_head();
            }
            return read;
        }
        // hyper asks for more: what came along with the request before is no whole head.
        if idle && self.progress.is_exceeded(self.received) {
            self.expect_head();
        }
        if self.progress.is(Progress::HEAD) {
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(HEAD)));
            task::ready!(timer.as_mut().poll(cx));
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Poll::Pending
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Connection<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(self.stream.get_mut()).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.stream.get_mut()).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.stream.get_mut()).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(self.stream.get_mut()).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.get_ref().is_write_vectored()
    }
}

#[cfg(test)]
mod tests;
