//! The service of `services/contract`, in Rust.

mod collatz;
mod config;
mod error;
mod http;
mod orders;
mod request;
mod server;
mod sql;
mod store;
mod summarize;
mod variant;
mod views;

use std::{io, process::ExitCode, sync::Arc, time::Duration};

use tokio::{
    net::TcpListener,
    runtime,
    signal::unix::{SignalKind, signal},
    sync::oneshot,
    time::timeout,
};

use crate::{config::Config, http::App, store::Store};

const DRAIN: Duration = Duration::from_secs(10);
const EX_CONFIG: u8 = 78;

fn main() -> ExitCode {
    let config = match Config::from_env() {
        Ok(config) => config,
        Err(error) => {
            eprintln!("fitmap: {error}");
            return ExitCode::from(EX_CONFIG);
        }
    };
    match run(config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fitmap: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(config: Config) -> io::Result<()> {
    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(config.cpus)
        .enable_all()
        .build()?;
    // Spawned, because `block_on` polls its future on this thread, outside the workers: every
    // accepted connection would have to wake one of them.
    runtime.block_on(async { tokio::spawn(serve(config)).await? })
}

async fn serve(config: Config) -> io::Result<()> {
    // Before the port opens: as PID 1 a SIGTERM without a handler is ignored.
    let mut terminate = signal(SignalKind::terminate())?;

    let listener = TcpListener::bind((config.host, config.port)).await?;
    eprintln!("fitmap: listening on {}", listener.local_addr()?);

    let app = Arc::new(App {
        store: Store::new(&config),
        cpus: config.cpus,
        db_pool_size: config.db_pool_size,
    });
    let opening = tokio::spawn({
        let app = Arc::clone(&app);
        async move { app.store.open().await }
    });

    let (stop, stopped) = oneshot::channel::<()>();
    let router = http::router(Arc::clone(&app));
    let server = server::serve(listener, router, async {
        stopped.await.unwrap_or_default();
    });
    let server = tokio::spawn(server);

    terminate.recv().await;
    eprintln!("fitmap: draining");
    drop(stop);
    if timeout(DRAIN, server).await.is_err() {
        eprintln!("fitmap: some requests did not finish in time");
    }
    opening.abort();
    app.store.close();
    Ok(())
}
