use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    time::{Instant, timeout},
};

use axum::body::to_bytes;

use super::*;

/// The two ends of a connection, and what its service would say.
fn connection() -> (Connection<DuplexStream>, DuplexStream, Progress) {
    let (ours, client) = duplex(1024);
    let connection = Connection::new(ours);
    let progress = connection.progress.clone();
    (connection, client, progress)
}

async fn read(connection: &mut Connection<DuplexStream>) -> io::Result<usize> {
    connection.read(&mut [0; 1024]).await
}

#[tokio::test(start_paused = true)]
async fn a_new_connection_has_ten_seconds_for_its_first_head() {
    let (mut connection, mut client, _progress) = connection();
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
    let (mut connection, mut client, progress) = connection();
    client.write_all(b"a whole head\r\n\r\n").await.unwrap();
    read(&mut connection).await.unwrap();
    for state in [Progress::REQUEST, Progress::IDLE] {
        progress.set(state);
        let long = timeout(Duration::from_secs(100), read(&mut connection));
        assert!(long.await.is_err(), "the connection has ended");
    }
}

#[tokio::test(start_paused = true)]
async fn each_head_has_its_own_ten_seconds() {
    let (mut connection, mut client, progress) = connection();
    for _ in 0..3 {
        client.write_all(b"half a head").await.unwrap();
        read(&mut connection).await.unwrap();
        let nearly = timeout(Duration::from_secs(9), read(&mut connection));
        assert!(nearly.await.is_err(), "the connection has ended");
        client.write_all(b"the other half\r\n\r\n").await.unwrap();
        read(&mut connection).await.unwrap();
        progress.set(Progress::REQUEST);
        progress.set(Progress::IDLE);
    }
    client.write_all(b"half a head").await.unwrap();
    read(&mut connection).await.unwrap();
    let error = timeout(Duration::from_secs(11), read(&mut connection)).await;
    assert_eq!(error.unwrap().unwrap_err().kind(), io::ErrorKind::TimedOut);
}

#[tokio::test(start_paused = true)]
async fn of_a_head_without_an_end_only_so_much_is_read() {
    let (mut connection, mut client, _progress) = connection();
    let flood = tokio::spawn(async move { while client.write_all(&[b'a'; 1024]).await.is_ok() {} });
    let mut length = 0;
    while let count @ 1.. = read(&mut connection).await.unwrap() {
        length += count as u64;
    }
    assert_eq!(length, PIECE);
    drop(connection);
    flood.await.unwrap();
}

/// What comes in one piece, served as far as it is a request, and how long the connection then stays.
async fn stays(piece: &str, head: usize, body: usize) -> bool {
    let (mut connection, mut client, progress) = connection();
    client.write_all(piece.as_bytes()).await.unwrap();
    read(&mut connection).await.unwrap();
    let content = Body::from(piece[head..head + body].to_owned());
    let request = progress.begin(Request::new(content));
    sleep(Duration::from_secs(50)).await;
    to_bytes(request.into_body(), body).await.unwrap();
    progress.set(Progress::IDLE);
    let nearly = timeout(Duration::from_secs(9), read(&mut connection));
    assert!(nearly.await.is_err(), "the connection has ended early");
    let later = timeout(Duration::from_secs(2), read(&mut connection));
    later.await.is_err()
}

#[tokio::test(start_paused = true)]
async fn a_head_that_begins_in_the_piece_of_the_request_before_has_ten_seconds() {
    assert!(stays("GET / HTTP/1.1\r\n\r\n", 18, 0).await);
    assert!(stays("GET / HTTP/1.1\n\n", 16, 0).await);
    assert!(!stays("GET / HTTP/1.1\r\n\r\nG", 18, 0).await);
    assert!(stays("POST / HTTP/1.1\r\n\r\n{\"a\":1}", 19, 7).await);
    assert!(stays("POST / HTTP/1.1\r\n\r\n{}", 19, 2).await);
    assert!(!stays("POST / HTTP/1.1\r\n\r\n{\"a\":1}GET /", 19, 7).await);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_nobody_read_does_not_count_as_a_head() {
    let (mut connection, mut client, progress) = connection();
    client.write_all(b"head and body").await.unwrap();
    read(&mut connection).await.unwrap();
    drop(progress.begin(Request::new(Body::from("body"))));
    progress.set(Progress::IDLE);
    let long = timeout(Duration::from_secs(100), read(&mut connection));
    assert!(long.await.is_err(), "the connection has ended");
}
