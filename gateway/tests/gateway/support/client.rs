//! A client that sends exactly the bytes it is given, which no library would.

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::PATIENCE;

pub struct Client {
    stream: TcpStream,
    read: Vec<u8>,
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Whether the body came to its end by its own framing.
    pub whole: bool,
}

pub async fn get(address: &str, path: &str) -> Answer {
    let mut client = Client::connect(address).await;
    client.head(&format!("GET {path} HTTP/1.1\r\nHost: hms\r\n")).await;
    client.answer().await
}

impl Client {
    pub async fn connect(address: &str) -> Self {
        Self { stream: TcpStream::connect(address).await.unwrap(), read: Vec::new() }
    }

    /// Connects; an error says that nobody listens.
    pub async fn open(address: &str) -> std::io::Result<Self> {
        Ok(Self { stream: TcpStream::connect(address).await?, read: Vec::new() })
    }

    /// Connects, if somebody listens.
    pub async fn try_connect(address: &str) -> std::io::Result<()> {
        TcpStream::connect(address).await.map(drop)
    }

    /// Sends a head; the empty line that ends it is added.
    pub async fn head(&mut self, head: &str) {
        self.write(format!("{head}\r\n").as_bytes()).await;
    }

    /// Sends bytes; the other side may have closed already, which the answer will show.
    pub async fn write(&mut self, bytes: &[u8]) {
        let _closed = self.stream.write_all(bytes).await;
    }

    /// Reads until this text has come.
    pub async fn read_until(&mut self, text: &str) {
        while !contains(&self.read, text.as_bytes()) {
            assert!(self.fill().await, "closed before {text:?}: {:?}", String::from_utf8_lossy(&self.read));
        }
    }

    /// Reads one answer to a request that was not HEAD.
    pub async fn answer(&mut self) -> Answer {
        self.answer_to("GET").await
    }

    /// Reads one answer.
    pub async fn answer_to(&mut self, method: &str) -> Answer {
        self.read_until("\r\n\r\n").await;
        let end = find(&self.read, b"\r\n\r\n").unwrap() + 4;
        let head: Vec<u8> = self.read.drain(..end).collect();
        let head = String::from_utf8(head).unwrap();
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers = lines.filter_map(|line| line.split_once(": "));
        let headers = headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
        let mut answer = Answer { status, headers, body: Vec::new(), whole: true };
        if status == 100 {
            return Box::pin(self.answer_to(method)).await;
        }
        if method != "HEAD" && status != 204 && status != 304 {
            self.body(&mut answer).await;
        }
        answer
    }

    async fn body(&mut self, answer: &mut Answer) {
        if answer.header("transfer-encoding") == Some("chunked") {
            return self.chunks(answer).await;
        }
        let length = answer.header("content-length").map_or(usize::MAX, |length| length.parse().unwrap());
        while self.read.len() < length && self.fill().await {}
        answer.whole = self.read.len() >= length;
        answer.body = self.read.drain(..length.min(self.read.len())).collect();
    }

    async fn chunks(&mut self, answer: &mut Answer) {
        loop {
            while !contains(&self.read, b"\r\n") {
                if !self.fill().await {
                    answer.whole = false;
                    return;
                }
            }
            let line = find(&self.read, b"\r\n").unwrap();
            let length = usize::from_str_radix(std::str::from_utf8(&self.read[..line]).unwrap(), 16).unwrap();
            let end = line + 2 + length + 2;
            while self.read.len() < end {
                if !self.fill().await {
                    answer.whole = false;
                    return;
                }
            }
            let chunk: Vec<u8> = self.read.drain(..end).collect();
            answer.body.extend_from_slice(&chunk[line + 2..line + 2 + length]);
            if length == 0 {
                return;
            }
        }
    }

    /// Whether the other side has closed the connection, with nothing more to say.
    pub async fn is_closed(&mut self) -> bool {
        !self.fill().await
    }

    async fn fill(&mut self) -> bool {
        // On the heap, or every future around it would be as large.
        let mut buffer = vec![0; 64 * 1024];
        let read = timeout(PATIENCE, self.stream.read(&mut buffer)).await.expect("bytes in time");
        let count = read.unwrap_or(0);
        self.read.extend_from_slice(&buffer[..count]);
        count > 0
    }
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub fn all(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).collect()
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// Asserts that it is an error in the envelope, with the id that the header names.
    #[track_caller]
    pub fn assert_error(&self, status: u16, code: &str) {
        assert_eq!(self.status, status, "{}", self.text());
        let envelope = self.json();
        assert_eq!(envelope["error"]["code"], code, "{envelope}");
        assert!(envelope["error"]["message"].is_string(), "{envelope}");
        assert!(envelope["error"]["details"].is_object(), "{envelope}");
        assert_eq!(envelope["request_id"].as_str(), self.header("x-request-id"), "{envelope}");
        assert!(self.header("x-request-id").is_some());
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    find(haystack, needle).is_some()
}
