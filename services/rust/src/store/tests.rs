use std::{future::pending, net::Ipv4Addr};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::pause,
};

use super::*;

/// What a server says of a connection: authenticated, ready for a statement.
const GREETING: &[u8] = b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I";
const READY: &[u8] = b"Z\0\0\0\x05I";

/// What a database does with each connection.
#[derive(Clone, Copy)]
enum Database {
    /// It does not even greet it.
    Mute,
    /// It answers no statement.
    Silent,
    /// It hangs up on a statement.
    Breaking,
    /// It answers a statement, and the message after it, when a while has passed.
    Late,
}

impl Database {
    async fn serve(self, mut connection: TcpStream) {
        if !matches!(self, Self::Mute) {
            let length = connection.read_u32().await.unwrap() as usize;
            connection
                .read_exact(&mut vec![0; length - 4])
                .await
                .unwrap();
            connection.write_all(GREETING).await.unwrap();
            if matches!(self, Self::Breaking | Self::Late) {
                connection.read_u8().await.unwrap();
            }
        }
        match self {
            Self::Breaking => return,
            Self::Late => {
                sleep(Duration::from_millis(200)).await;
                connection
                    .write_all(&[READY, READY].concat())
                    .await
                    .unwrap();
            }
            Self::Mute | Self::Silent => {}
        }
        pending::<()>().await;
    }
}

/// Its pool has one connection.
async fn store(database: Database) -> Store {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (connection, _) = listener.accept().await.unwrap();
            tokio::spawn(database.serve(connection));
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
async fn a_connection_that_breaks_in_a_statement_is_noted() {
    let store = store(Database::Breaking).await;
    store.open().await;
    assert!(store.product(1).await.is_err());
    assert!(is_noted(&store));
    store.note(None);
    assert!(!is_noted(&store));
}

#[tokio::test]
async fn a_database_that_answers_no_connection_is_noted() {
    let store = store(Database::Mute).await;
    pause();
    assert!(store.product(1).await.is_err());
    assert!(is_noted(&store));
}

#[tokio::test]
async fn a_pool_that_is_busy_is_not() {
    let store = store(Database::Silent).await;
    let busy = store.checkout().await.unwrap();
    pause();
    assert!(store.product(1).await.is_err());
    assert!(!is_noted(&store));
    drop(busy);
}

#[tokio::test]
async fn work_that_takes_too_long_is_not_either() {
    let store = store(Database::Silent).await;
    store.open().await;
    pause();
    assert!(store.product(1).await.is_err());
    assert!(!is_noted(&store));
}

#[tokio::test]
async fn a_connection_on_which_work_took_too_long_is_lent_until_its_server_proves_frozen() {
    let store = store(Database::Silent).await;
    store.open().await;
    pause();
    assert!(store.product(1).await.is_err());
    let status = store.pool.status();
    assert_eq!((status.size, status.available), (1, 0));
    sleep(WORK + Duration::from_secs(1)).await;
    assert_eq!(store.pool.status().size, 0);
}

#[tokio::test]
async fn a_connection_whose_client_hung_up_is_lent_until_its_statement_ends() {
    let store = store(Database::Late).await;
    store.open().await;
    let hung_up = timeout(Duration::from_millis(50), store.product(1)).await;
    assert!(hung_up.is_err());
    let status = store.pool.status();
    assert_eq!((status.size, status.available), (1, 0));
    timeout(Duration::from_secs(5), async {
        while store.pool.status().available == 0 {
            sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .expect("it goes back to the pool");
}
