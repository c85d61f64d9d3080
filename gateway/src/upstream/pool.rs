//! Connections to the services, kept open between requests, a pool in each worker thread.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use foldhash::HashMap;
use http::header::HOST;
use http::{Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::{Frame, Incoming};
use tokio::net::TcpStream;
use tokio::time::{interval, timeout};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::balance::Set;
use super::body::{RequestBody, UploadState};
use super::connection::{Connection, Incomplete};
use super::{Endpoint, Failure, Upstream};

/// Our connections must end before the service's side does (actix keeps them for 5 s), or a request may meet a
/// connection that is being closed.
const IDLE_LIFETIME: Duration = Duration::from_secs(4);
/// What a burst leaves behind need not all be kept.
const IDLE_PER_ENDPOINT: usize = 256;

/// The largest answer that is read whole, in bytes: the API document of a service.
const OWN_ANSWER_LIMIT: usize = 8 * 1024 * 1024;

/// The connections of one worker thread; clones share them.
#[derive(Clone)]
pub struct Pool(Rc<Inner>);

struct Inner {
    connect_deadline: Duration,
    idle: RefCell<HashMap<Arc<str>, Vec<Idle>>>,
    draining: CancellationToken,
}

struct Idle {
    connection: Connection,
    since: Instant,
}

/// An answer whose body is still to come, and the connection that it comes over.
pub struct Exchanged {
    /// The answer.
    pub response: Response<Incoming>,
    /// The connection.
    pub lease: Lease,
}

/// Why one exchange gave no answer.
pub struct Unanswered {
    /// Why.
    pub failure: Failure,
    /// The request, if not a byte of it was sent.
    pub unsent: Option<Box<Request<RequestBody>>>,
    /// Whether the connection had been used before and was probably closed meanwhile.
    pub stale: bool,
}

/// How one exchange is to be done.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// How long a connection may take to open.
    pub connect: Duration,
    /// How long the head of the answer may take after the last of the request.
    pub head: Duration,
    /// When all of it must be over.
    pub until: Instant,
    /// Which connection is good enough.
    pub connection: Which,
}

impl Terms {
    /// When the time for the head of an answer is over: so long after the last part of the upload moved, or when
    /// all of it is.
    fn due(&self, asked: Instant, upload: Option<&UploadState>) -> Instant {
        let moved = upload.map_or(asked, |upload| upload.moved().max(asked));
        self.until.min(moved + self.head)
    }
}

/// Which connection is good enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Any: the request can be sent again.
    Any,
    /// One on which no goodbye of the service is waiting.
    Quiet,
    /// A new one.
    Fresh,
}

/// A connection in use.
pub struct Lease {
    pool: Pool,
    address: Arc<str>,
    connection: Connection,
}

impl Lease {
    /// Gives the connection back, once the answer has been read to its end.
    pub fn give_back(mut self) {
        if self.connection.is_ready() {
            return self.lay_down();
        }
        // The request is still being sent, and is to arrive whole although its answer was there before.
        actix_web::rt::spawn(async move {
            if self.connection.settle().await.is_some() {
                self.lay_down();
            }
        });
    }

    fn lay_down(self) {
        let Self { pool, address, connection } = self;
        let mut idle = pool.0.idle.borrow_mut();
        let idle = idle.entry(address).or_default();
        if idle.len() < IDLE_PER_ENDPOINT {
            idle.push(Idle { connection, since: Instant::now() });
        }
    }

    /// The next part of the answer.
    pub fn poll_frame(
        &mut self,
        body: &mut Incoming,
        task: &mut Context<'_>,
    ) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
        self.connection.poll_frame(body, task)
    }

    /// Waits for the end of HTTP on it, where another protocol begins.
    pub async fn end(self) {
        self.connection.end().await;
    }
}

impl Pool {
    /// An empty pool; a connection opens within `connect_deadline` where an upstream says nothing else. Streams
    /// end when `draining` is cancelled.
    pub fn new(connect_deadline: Duration, draining: CancellationToken) -> Self {
        Self(Rc::new(Inner { connect_deadline, idle: RefCell::default(), draining }))
    }

    /// Closes what has been idle for too long, for as long as the pool is there. Without this, connections to an
    /// endpoint that is no longer in the table would stay.
    pub fn keep_tidy(&self) {
        let pool = Rc::downgrade(&self.0);
        actix_web::rt::spawn(async move {
            let mut ticks = interval(IDLE_LIFETIME);
            loop {
                ticks.tick().await;
                let Some(pool) = pool.upgrade() else { return };
                pool.idle.borrow_mut().retain(|_, idle| {
                    idle.retain_mut(Idle::is_good);
                    !idle.is_empty()
                });
            }
        });
    }

    /// When streams are to end.
    pub(super) fn draining(&self) -> WaitForCancellationFutureOwned {
        self.0.draining.clone().cancelled_owned()
    }

    /// How long a connection may take to open, where an upstream says nothing else.
    pub(super) fn connect_deadline(&self) -> Duration {
        self.0.connect_deadline
    }

    /// Sends a request and waits for the head of its answer. Where a connection from the pool turns out to be
    /// closed before a byte was sent, a fresh one is opened.
    pub async fn exchange(
        &self,
        endpoint: &Endpoint,
        request: Request<RequestBody>,
        terms: Terms,
    ) -> Result<Exchanged, Unanswered> {
        let mut request = request;
        let mut idle = self.take_idle(endpoint, terms.connection);
        loop {
            let used_before = idle.is_some();
            let connection = match idle.take() {
                Some(connection) => connection,
                None => match Box::pin(self.connect(endpoint, terms.connect)).await {
                    Ok(connection) => connection,
                    Err(failure) => {
                        return Err(Unanswered { failure, unsent: Some(Box::new(request)), stale: false });
                    }
                },
            };
            match self.attempt(endpoint, connection, request, terms).await {
                Err(Unanswered { unsent: Some(unsent), .. }) if used_before => request = *unsent,
                Err(unanswered) => {
                    let stale = used_before && is_stale(&unanswered.failure);
                    return Err(Unanswered { stale, ..unanswered });
                }
                Ok(exchanged) => return Ok(exchanged),
            }
        }
    }

    /// What a service answers to a GET of the gateway's own, read whole.
    pub async fn get(
        &self,
        upstream: &Upstream,
        path: &'static str,
        deadline: Duration,
    ) -> Result<(StatusCode, Bytes), Failure> {
        let place = upstream.pick(Set::default());
        let endpoint = place.and_then(|place| upstream.endpoints().get(place)).ok_or(Failure::Full)?;
        let ask = async |connection| {
            let mut request = Request::new(RequestBody::none());
            *request.uri_mut() = Uri::from_static(path);
            request.headers_mut().insert(HOST, endpoint.host.clone());
            let (connect, until) = (self.0.connect_deadline, Instant::now() + deadline);
            self.exchange(endpoint, request, Terms { connect, head: deadline, until, connection }).await
        };
        let answered = async {
            let exchanged = match ask(Which::Any).await {
                Err(Unanswered { stale: true, .. }) => ask(Which::Fresh).await,
                exchanged => exchanged,
            };
            let exchanged = exchanged.map_err(|unanswered| unanswered.failure)?;
            let Exchanged { response, mut lease } = exchanged;
            let (head, body) = response.into_parts();
            let body = Incomplete { body, connection: &mut lease.connection };
            let body = Limited::new(body, OWN_ANSWER_LIMIT).collect().await.map_err(Failure::Unreadable)?;
            lease.give_back();
            Ok((head.status, body.to_bytes()))
        };
        timeout(deadline, answered).await.unwrap_or(Err(Failure::Slow))
    }

    fn take_idle(&self, endpoint: &Endpoint, which: Which) -> Option<Connection> {
        if which == Which::Fresh {
            return None;
        }
        let mut idle = self.0.idle.borrow_mut();
        let idle = idle.get_mut(&endpoint.address)?;
        let now = Instant::now();
        // They lie in the order in which they came back: the old ones are in front.
        let old = idle.iter().take_while(|idle| idle.is_old(now)).count();
        idle.drain(..old);
        while let Some(Idle { mut connection, .. }) = idle.pop() {
            if connection.is_still_ready() && (which == Which::Any || connection.is_quiet()) {
                return Some(connection);
            }
        }
        None
    }

    async fn connect(&self, endpoint: &Endpoint, deadline: Duration) -> Result<Connection, Failure> {
        let opening = timeout(deadline, TcpStream::connect(&*endpoint.address)).await;
        let stream =
            opening.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())).map_err(Failure::Unreachable)?;
        stream.set_nodelay(true).map_err(Failure::Unreachable)?;
        Connection::new(stream).await
    }

    async fn attempt(
        &self,
        endpoint: &Endpoint,
        mut connection: Connection,
        request: Request<RequestBody>,
        terms: Terms,
    ) -> Result<Exchanged, Unanswered> {
        let upload = request.body().state();
        let asked = Instant::now();
        let due = || terms.due(asked, upload.as_deref());
        let Some(answer) = connection.ask(request, due).await else {
            let stalled = upload.is_some_and(|upload| upload.waits_for_client());
            let failure = if stalled { Failure::Stalled } else { Failure::Slow };
            return Err(Unanswered { failure, unsent: None, stale: false });
        };
        match answer {
            Ok(response) => {
                let lease = Lease { pool: self.clone(), address: Arc::clone(&endpoint.address), connection };
                Ok(Exchanged { response, lease })
            }
            Err(mut error) => {
                let unsent = error.take_message().map(Box::new);
                let ours = upload.and_then(|upload| upload.failure());
                let failure = match ours {
                    Some(failure) => failure,
                    None if unsent.is_some() => Failure::Unreachable(io::ErrorKind::ConnectionReset.into()),
                    None => Failure::Broken(error.into_error()),
                };
                Err(Unanswered { failure, unsent, stale: false })
            }
        }
    }
}

impl Idle {
    fn is_old(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.since) >= IDLE_LIFETIME
    }

    fn is_good(&mut self) -> bool {
        !self.is_old(Instant::now()) && self.connection.is_still_ready()
    }
}

/// Whether a failure looks like that of a connection which the service had closed meanwhile.
fn is_stale(failure: &Failure) -> bool {
    match failure {
        Failure::Broken(error) => !error.is_parse() && !error.is_user(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;
    use std::sync::mpsc;
    use std::thread;

    use super::super::Settings;
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
        let endpoint = Endpoint::new(&format!("http://{}", listener.local_addr().unwrap()), 1).unwrap();
        let upstream = Upstream::new("user".to_owned(), vec![endpoint.clone()], Settings::default());
        let (hang_up, told) = mpsc::channel();
        let (gone, went) = mpsc::channel();
        thread::spawn(move || serve_once(listener, told, gone));
        let second = Duration::from_secs(1);
        let pool = Pool::new(second, CancellationToken::new());
        pool.get(&upstream, "/health", second).await.unwrap();

        let connection = pool.take_idle(&endpoint, Which::Quiet).expect("an open connection is quiet");
        Lease { pool: pool.clone(), address: Arc::clone(&endpoint.address), connection }.give_back();
        // From here on this thread does not yield, so that hyper cannot notice.
        hang_up.send(()).unwrap();
        went.recv().unwrap();
        let unnoticed = pool.0.idle.borrow()[&endpoint.address].iter().all(|idle| idle.connection.is_ready());
        assert!(unnoticed);
        assert!(pool.take_idle(&endpoint, Which::Quiet).is_none());
    }
}
