use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    time::{Instant, timeout},
};

use super::*;

/// The two ends of a connection, and what its service would say.
fn connection() -> (Connection<DuplexStream>, DuplexStream, Phase) {
    let (ours, client) = duplex(1024);
    let connection = Connection::new(ours);
    let phase = connection.phase.clone();
    (connection, client, phase)
}

async fn read(connection: &mut Connection<DuplexStream>) -> io::Result<usize> {
    connection.read(&mut [0; 1024]).await
}

#[tokio::test(start_paused = true)]
async fn a_new_connection_has_ten_seconds_for_its_first_head() {
    let (mut connection, mut client, _phase) = connection();
    let start = Instant::now();
    let trickle = tokio::spawn(async move {
        while client.write_all(b"a").await.is_ok() {
            sleep(Duration::from_secs(1)).await;
        }
    });
    let error = loop {
        if let Err(error) = read(&mut connection).await {
            break error;
        }
    };
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    assert_eq!(start.elapsed().as_secs(), 10);
    drop(connection);
    trickle.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_and_one_that_waits_for_its_answer_stay() {
    let (mut connection, mut client, phase) = connection();
    client.write_all(b"a whole head").await.unwrap();
    read(&mut connection).await.unwrap();
    for state in [Phase::REQUEST, Phase::IDLE] {
        phase.set(state);
        let long = timeout(Duration::from_secs(100), read(&mut connection));
        assert!(long.await.is_err(), "the connection has ended");
    }
}

#[tokio::test(start_paused = true)]
async fn each_head_has_its_own_ten_seconds() {
    let (mut connection, mut client, phase) = connection();
    for _ in 0..3 {
        client.write_all(b"half a head").await.unwrap();
        read(&mut connection).await.unwrap();
        let nearly = timeout(Duration::from_secs(9), read(&mut connection));
        assert!(nearly.await.is_err(), "the connection has ended");
        client.write_all(b"the other half").await.unwrap();
        read(&mut connection).await.unwrap();
        phase.set(Phase::REQUEST);
        phase.set(Phase::IDLE);
    }
    client.write_all(b"half a head").await.unwrap();
    read(&mut connection).await.unwrap();
    let error = timeout(Duration::from_secs(11), read(&mut connection)).await;
    assert_eq!(error.unwrap().unwrap_err().kind(), io::ErrorKind::TimedOut);
}
