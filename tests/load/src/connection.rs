//! One kept-alive HTTP/1.1 connection.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use http::header::HOST;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long one answer may take. The gateway itself gives up after 30 s.
const PATIENCE: Duration = Duration::from_secs(40);

/// An open connection; it ends when this is dropped.
pub struct Connection {
    sender: SendRequest<Full<Bytes>>,
    host: HeaderValue,
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The body.
    pub body: Bytes,
}

impl Connection {
    /// Opens a connection.
    pub async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream =
            TcpStream::connect(address).await.with_context(|| format!("nobody answers at {address}"))?;
        stream.set_nodelay(true)?;
        let (sender, driver) = http1::handshake(TokioIo::new(stream)).await?;
        // How it ended is told by the request that was on its way.
        tokio::spawn(async { drop(driver.await) });
        Ok(Self { sender, host: HeaderValue::try_from(address.to_string())? })
    }

    /// Sends a request and reads the whole answer. After an error the connection is of no more use.
    pub async fn send(&mut self, request: Request<Full<Bytes>>) -> anyhow::Result<Answer> {
        let exchange = async {
            let response = self.ask(request).await?;
            let status = response.status();
            Ok(Answer { status, body: response.into_body().collect().await?.to_bytes() })
        };
        timeout(PATIENCE, exchange).await.context("no answer in time")?
    }

    /// Sends a request and reads the head of the answer, whose body comes bit by bit and may have no end.
    pub async fn open_stream(&mut self, request: Request<Full<Bytes>>) -> anyhow::Result<Response<Incoming>> {
        timeout(PATIENCE, self.ask(request)).await.context("no answer in time")?
    }

    async fn ask(&mut self, mut request: Request<Full<Bytes>>) -> anyhow::Result<Response<Incoming>> {
        request.headers_mut().insert(HOST, self.host.clone());
        self.sender.ready().await?;
        Ok(self.sender.send_request(request).await?)
    }
}
