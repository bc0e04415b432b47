use std::net::Ipv4Addr;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    time::pause,
};

use super::*;

/// What a server says of a connection: authenticated, ready for a statement.
const GREETING: &[u8] = b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I";

/// The only connection of a pool is to a database that never answers: no statement, and without
/// `greets` no connection either.
async fn store(greets: bool) -> Store {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let mut connections = Vec::new();
        loop {
            let (mut connection, _) = listener.accept().await.unwrap();
            if greets {
                connection.read_u8().await.unwrap();
                connection.write_all(GREETING).await.unwrap();
            }
            connections.push(connection);
        }
    });
    let mut database = tokio_postgres::Config::new();
    database.user("fitmap").host("127.0.0.1").port(port);
    Store::new(&Config {
        host: Ipv4Addr::LOCALHOST.into(),
        port: 1,
        database,
        db_pool_size: 1,
        cpus: 1,
    })
}

fn is_noted(store: &Store) -> bool {
    !store.reachable.load(Ordering::Relaxed)
}

#[tokio::test]
async fn a_database_that_answers_no_statement_is_noted() {
    let store = store(true).await;
    store.open().await;
    pause();
    assert!(store.product(1).await.is_err());
    assert!(is_noted(&store));
    store.note(None);
    assert!(!is_noted(&store));
}

#[tokio::test]
async fn a_database_that_answers_no_connection_is_noted() {
    let store = store(false).await;
    pause();
    assert!(store.product(1).await.is_err());
    assert!(is_noted(&store));
}

#[tokio::test]
async fn a_pool_that_is_busy_is_not() {
    let store = store(true).await;
    let busy = store.checkout().await.unwrap();
    pause();
    assert!(store.product(1).await.is_err());
    assert!(!is_noted(&store));
    drop(busy);
}
