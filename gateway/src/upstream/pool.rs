//! Connections to the services, kept open between requests, a pool in each worker thread.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::os::fd::AsFd as _;
use std::pin::pin;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::HOST;
use http::{Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::{timeout, timeout_at};

use super::body::{RequestBody, UploadState};
use super::{Failure, Upstream};

/// Our connections must end before the service's side does (actix keeps them for 5 s), or a request may meet a
/// connection that is being closed.
const IDLE_LIFETIME: Duration = Duration::from_secs(4);
/// What a burst leaves behind need not all be kept.
const IDLE_PER_UPSTREAM: usize = 256;

/// The largest answer that is read whole, in bytes: the API document of a service.
const OWN_ANSWER_LIMIT: usize = 8 * 1024 * 1024;

type Sender = SendRequest<RequestBody>;

/// The connections of one worker thread; clones share them.
#[derive(Clone)]
pub struct Pool(Rc<Inner>);

struct Inner {
    connect_deadline: Duration,
    idle: RefCell<HashMap<Arc<str>, Vec<Idle>>>,
}

struct Idle {
    connection: Connection,
    since: Instant,
}

/// An open connection; it ends when this is dropped.
struct Connection {
    sender: Sender,
    /// The same socket once more, for as long as it is open, to look at it without disturbing hyper.
    socket: Weak<std::net::TcpStream>,
}

impl Connection {
    /// Whether the service has sent nothing that hyper has not read yet: a goodbye, if anything.
    fn is_quiet(&self) -> bool {
        let peeked = self.socket.upgrade().map(|socket| socket.peek(&mut [0]));
        peeked.is_some_and(|peeked| peeked.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock))
    }
}

/// An answer whose body is still to come, and the connection that it comes over.
pub struct Exchanged {
    /// The answer.
    pub response: Response<Incoming>,
    /// The connection.
    pub lease: Lease,
}

/// A connection in use.
pub struct Lease {
    pool: Pool,
    address: Arc<str>,
    connection: Connection,
}

impl Lease {
    /// Gives the connection back, once the answer has been read to its end.
    pub fn give_back(self) {
        let Self { pool, address, connection } = self;
        let mut idle = pool.0.idle.borrow_mut();
        let idle = idle.entry(address).or_default();
        if !connection.sender.is_closed() && idle.len() < IDLE_PER_UPSTREAM {
            idle.push(Idle { connection, since: Instant::now() });
        }
    }
}

impl Pool {
    /// An empty pool; a connection must open within `connect_deadline`.
    pub fn new(connect_deadline: Duration) -> Self {
        Self(Rc::new(Inner { connect_deadline, idle: RefCell::default() }))
    }

    /// Sends a request and waits for the head of its answer, `deadline` long after the last of the request.
    ///
    /// Where a connection from the pool turns out to be dead, the request goes over a fresh one: always if not
    /// a byte of it was sent, and otherwise if there is a way to make it `again`. If there is none, a connection
    /// is looked at before it is used.
    pub async fn exchange(
        &self,
        upstream: &Upstream,
        request: Request<RequestBody>,
        again: Option<impl FnOnce() -> Request<RequestBody>>,
        deadline: Duration,
    ) -> Result<Exchanged, Failure> {
        let mut request = request;
        if let Some(connection) = self.take_idle(upstream, again.is_none()) {
            match self.attempt(upstream, connection, request, deadline).await {
                Ok(exchanged) => return Ok(exchanged),
                Err(Attempt::Unsent(unsent)) => request = *unsent,
                Err(Attempt::Failed(failure)) if is_stale(&failure) => request = again.ok_or(failure)?(),
                Err(Attempt::Failed(failure)) => return Err(failure),
            }
        }
        let connection = self.connect(upstream).await?;
        self.attempt(upstream, connection, request, deadline).await.map_err(|attempt| match attempt {
            Attempt::Failed(failure) => failure,
            Attempt::Unsent(_) => Failure::Unreachable(io::ErrorKind::ConnectionReset.into()),
        })
    }

    /// What a service answers to a GET of the gateway's own, read whole.
    pub async fn get(
        &self,
        upstream: &Upstream,
        path: &'static str,
        deadline: Duration,
    ) -> Result<(StatusCode, Bytes), Failure> {
        let request = || {
            let mut request = Request::new(RequestBody::none());
            *request.uri_mut() = Uri::from_static(path);
            request.headers_mut().insert(HOST, upstream.host.clone());
            request
        };
        let answered = async {
            let exchanged = self.exchange(upstream, request(), Some(request), deadline).await?;
            let (head, body) = exchanged.response.into_parts();
            let body = Limited::new(body, OWN_ANSWER_LIMIT).collect().await.map_err(Failure::Unreadable)?;
            exchanged.lease.give_back();
            Ok((head.status, body.to_bytes()))
        };
        timeout(deadline, answered).await.unwrap_or(Err(Failure::Slow))
    }

    fn take_idle(&self, upstream: &Upstream, must_be_quiet: bool) -> Option<Connection> {
        let mut idle = self.0.idle.borrow_mut();
        let idle = idle.get_mut(&upstream.address)?;
        idle.retain(|idle| !idle.connection.sender.is_closed() && idle.since.elapsed() < IDLE_LIFETIME);
        loop {
            // One that is not ready is still sending a request that was answered early.
            let ready = idle.iter().rposition(|idle| idle.connection.sender.is_ready())?;
            let connection = idle.remove(ready).connection;
            if !must_be_quiet || connection.is_quiet() {
                return Some(connection);
            }
        }
    }

    async fn connect(&self, upstream: &Upstream) -> Result<Connection, Failure> {
        let opening = timeout(self.0.connect_deadline, TcpStream::connect(&*upstream.address)).await;
        let stream =
            opening.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())).map_err(Failure::Unreachable)?;
        stream.set_nodelay(true).map_err(Failure::Unreachable)?;
        let socket = stream.as_fd().try_clone_to_owned().map_err(Failure::Unreachable)?;
        let socket = Rc::new(std::net::TcpStream::from(socket));
        let watched = Rc::downgrade(&socket);
        let (sender, driver) = http1::handshake(TokioIo::new(stream)).await.map_err(Failure::Broken)?;
        actix_web::rt::spawn(async move {
            // Who waits for an answer on it gets the error too.
            let _ended = driver.await;
            drop(socket);
        });
        Ok(Connection { sender, socket: watched })
    }

    async fn attempt(
        &self,
        upstream: &Upstream,
        mut connection: Connection,
        request: Request<RequestBody>,
        deadline: Duration,
    ) -> Result<Exchanged, Attempt> {
        let upload = request.body().state();
        let answer = connection.sender.try_send_request(request);
        let answered = within(deadline, upload.as_deref(), answer).await.map_err(Attempt::Failed)?;
        match answered {
            Ok(response) => {
                let lease = Lease { pool: self.clone(), address: Arc::clone(&upstream.address), connection };
                Ok(Exchanged { response, lease })
            }
            Err(mut error) => {
                let unsent = error.take_message();
                let ours = upload.and_then(|upload| upload.failure());
                Err(match (unsent, ours) {
                    (Some(request), _) => Attempt::Unsent(Box::new(request)),
                    (None, Some(failure)) => Attempt::Failed(failure),
                    (None, None) => Attempt::Failed(Failure::Broken(error.into_error())),
                })
            }
        }
    }
}

/// Why one attempt gave no answer.
enum Attempt {
    /// The connection was closed before a byte of the request went out.
    Unsent(Box<Request<RequestBody>>),
    /// The request may have reached the service.
    Failed(Failure),
}

/// Whether a failure looks like that of a connection which the service had closed meanwhile.
fn is_stale(failure: &Failure) -> bool {
    match failure {
        Failure::Broken(error) => !error.is_parse() && !error.is_user(),
        _ => false,
    }
}

/// Waits for an answer until the deadline has passed since the last part of the upload moved.
async fn within<F: Future>(
    deadline: Duration,
    upload: Option<&UploadState>,
    answer: F,
) -> Result<F::Output, Failure> {
    let started = Instant::now();
    let due = || upload.map_or(started, UploadState::moved).max(started) + deadline;
    let mut answer = pin!(answer);
    loop {
        if let Ok(answer) = timeout_at(due().into(), answer.as_mut()).await {
            return Ok(answer);
        }
        if due() <= Instant::now() {
            let stalled = upload.is_some_and(UploadState::waits_for_client);
            return Err(if stalled { Failure::Stalled } else { Failure::Slow });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    /// Answers one request, and hangs up when it is told to.
    fn serve_once(listener: TcpListener, hang_up: mpsc::Receiver<()>, gone: mpsc::Sender<()>) {
        let (mut stream, _) = listener.accept().unwrap();
        let _head = stream.read(&mut [0; 1024]).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap();
        hang_up.recv().unwrap();
        drop(stream);
        gone.send(()).unwrap();
    }

    #[actix_web::test]
    async fn a_goodbye_that_hyper_has_not_read_yet_is_seen() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let upstream = Upstream::new("user", &format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let (hang_up, told) = mpsc::channel();
        let (gone, went) = mpsc::channel();
        thread::spawn(move || serve_once(listener, told, gone));
        let second = Duration::from_secs(1);
        let pool = Pool::new(second);
        pool.get(&upstream, "/health", second).await.unwrap();

        let connection = pool.take_idle(&upstream, true).expect("an open connection is quiet");
        Lease { pool: pool.clone(), address: Arc::clone(&upstream.address), connection }.give_back();
        // From here on this thread does not yield, so that hyper cannot notice.
        hang_up.send(()).unwrap();
        went.recv().unwrap();
        let unnoticed =
            pool.0.idle.borrow()[&upstream.address].iter().all(|idle| idle.connection.sender.is_ready());
        assert!(unnoticed);
        assert!(pool.take_idle(&upstream, true).is_none());
    }
}
