//! A service that writes bytes as it is told, which no library would.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::PATIENCE;

/// What it does with one request.
pub enum Reply {
    /// Writes this and waits for the next request.
    Send(&'static str),
    /// Writes this and closes the connection.
    Last(&'static str),
    /// Says nothing, for as long as the other side waits.
    Silence,
}

pub struct RawService {
    pub address: String,
    heads: Arc<Mutex<Vec<String>>>,
    open: Arc<AtomicUsize>,
}

impl RawService {
    /// Answers with what `reply` gives for the number of the request on its connection.
    pub async fn start(reply: impl Fn(usize) -> Reply + Clone + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let open = Arc::new(AtomicUsize::new(0));
        let (seen, counted) = (Arc::clone(&heads), Arc::clone(&open));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                let (counted, served) =
                    (Arc::clone(&counted), serve(stream, reply.clone(), Arc::clone(&seen)));
                tokio::spawn(async move {
                    served.await;
                    counted.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Self { address, heads, open }
    }

    /// Returns when it has closed all its connections.
    pub async fn all_closed(&self) {
        let closed = async {
            while self.open.load(Ordering::SeqCst) > 0 {
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, closed).await.expect("connections close in time");
    }

    /// The heads of all requests so far.
    pub fn heads(&self) -> Vec<String> {
        self.heads.lock().clone()
    }
}

async fn serve(mut stream: TcpStream, reply: impl Fn(usize) -> Reply, heads: Arc<Mutex<Vec<String>>>) {
    for number in 0.. {
        let Some(head) = read_request(&mut stream).await else { return };
        heads.lock().push(head);
        match reply(number) {
            Reply::Send(text) => stream.write_all(text.as_bytes()).await.unwrap(),
            Reply::Last(text) => return stream.write_all(text.as_bytes()).await.unwrap(),
            Reply::Silence => {
                let _closed = stream.read(&mut [0; 1]).await;
            }
        }
    }
}

/// The head of the next request; its body is read and dropped.
async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).unwrap();
    let length =
        head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
    stream.read_exact(&mut vec![0; length]).await.ok()?;
    Some(head)
}
