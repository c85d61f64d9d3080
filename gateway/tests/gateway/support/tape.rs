//! A service that keeps every byte that reaches it, and answers each request by the plainest reading of HTTP.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";

pub struct Tape {
    pub address: String,
    bytes: Arc<Mutex<Vec<u8>>>,
}

impl Tape {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&bytes);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&kept)));
            }
        });
        Self { address, bytes }
    }

    /// All that has come so far, over all connections.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes.lock()).into_owned()
    }
}

async fn serve(mut stream: TcpStream, kept: Arc<Mutex<Vec<u8>>>) {
    let mut unread = Vec::new();
    loop {
        let Some(end) = request_end(&unread) else {
            let mut buffer = [0; 4096];
            let Ok(count @ 1..) = stream.read(&mut buffer).await else { return };
            kept.lock().extend_from_slice(&buffer[..count]);
            unread.extend_from_slice(&buffer[..count]);
            continue;
        };
        unread.drain(..end);
        if stream.write_all(ANSWER).await.is_err() {
            return;
        }
    }
}

/// Where the first request ends, if it is there as a whole.
fn request_end(bytes: &[u8]) -> Option<usize> {
    let head = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let text = String::from_utf8_lossy(&bytes[..head]).to_lowercase();
    if text.contains("transfer-encoding: chunked") {
        let rest = &bytes[head..];
        return Some(head + rest.windows(5).position(|window| window == b"0\r\n\r\n")? + 5);
    }
    let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    let end = head + length.unwrap_or(0_usize);
    (bytes.len() >= end).then_some(end)
}
