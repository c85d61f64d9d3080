//! One connection to a service: hyper's two halves of it, the one that takes requests and the one that reads and
//! writes, driven by whoever waits for something on it. There is no task beside the client's that would have to
//! be woken for each part of an answer, which is what a proxy would do most of its time.

use std::future::poll_fn;
use std::io;
use std::net::TcpStream as Socket;
use std::os::fd::AsFd as _;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker, ready};
use std::time::Instant;

use bytes::Bytes;
use http::{Request, Response};
use hyper::body::{Body, Frame, Incoming};
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::unconstrained;
use tokio::time::{Sleep, sleep_until};

use super::Failure;
use super::body::RequestBody;

type Driver = Pin<Box<dyn Future<Output = hyper::Result<()>>>>;

/// An answer, or the request back where not a byte of it was sent.
pub type Answered = Result<Response<Incoming>, TrySendError<Request<RequestBody>>>;

/// An open connection; it ends when this is dropped.
pub struct Connection {
    sender: SendRequest<RequestBody>,
    /// Nothing once the connection has ended.
    driver: Option<Driver>,
    /// The same socket once more, to look at it without disturbing hyper.
    socket: Socket,
    alarm: Alarm,
}

/// The body of an answer with the connection that it comes over, to be read whole.
pub struct Incomplete<'a> {
    /// The body.
    pub body: Incoming,
    /// The connection.
    pub connection: &'a mut Connection,
}

/// A timer that is set for each request and goes off for none: it is moved only when it goes off too early, or
/// would go off too late, since each move costs a lock.
struct Alarm(Option<Pin<Box<Sleep>>>);

impl Connection {
    /// Speaks HTTP over this stream.
    pub async fn new(stream: TcpStream) -> Result<Self, Failure> {
        let socket = stream.as_fd().try_clone_to_owned().map_err(Failure::Unreachable)?;
        let (sender, driver) = http1::handshake(TokioIo::new(stream)).await.map_err(Failure::Broken)?;
        let driver: Driver = Box::pin(driver.with_upgrades());
        Ok(Self { sender, driver: Some(driver), socket: socket.into(), alarm: Alarm(None) })
    }

    /// Whether it took another request when it was driven last. One that takes none has ended, or is still sending
    /// a request that was answered early.
    pub fn is_ready(&self) -> bool {
        self.sender.is_ready()
    }

    /// Whether it takes another request after it has lain idle.
    pub fn is_still_ready(&mut self) -> bool {
        // What the runtime has seen meanwhile, such as the service's goodbye, is looked at; and the one who used it
        // last is not to be woken any more.
        drive(&mut self.driver, &mut Context::from_waker(Waker::noop()));
        self.sender.is_ready()
    }

    /// Whether the service has sent nothing that the runtime has not seen yet: a goodbye, if anything.
    pub fn is_quiet(&self) -> bool {
        self.socket.peek(&mut [0]).is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }

    /// Sends a request and waits for the head of its answer, at the longest until the moment that `due` names, which
    /// is asked again when it has come; nothing if it has passed.
    pub async fn ask(
        &mut self,
        request: Request<RequestBody>,
        due: impl Fn() -> Instant,
    ) -> Option<Answered> {
        let Self { sender, driver, alarm, .. } = self;
        let mut answer = pin!(unconstrained(sender.try_send_request(request)));
        poll_fn(|task| {
            drive(driver, task);
            // Only the driver brings an answer, so that nobody has to be woken for it.
            if let Poll::Ready(answer) = answer.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                return Poll::Ready(Some(answer));
            }
            alarm.poll(task, &due).map(|()| None)
        })
        .await
    }

    /// The next part of an answer that comes over it.
    pub fn poll_frame(
        &mut self,
        body: &mut Incoming,
        task: &mut Context<'_>,
    ) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
        let mut quiet = Context::from_waker(Waker::noop());
        if let Poll::Ready(frame) = Pin::new(&mut *body).poll_frame(&mut quiet) {
            return Poll::Ready(frame);
        }
        drive(&mut self.driver, task);
        Pin::new(body).poll_frame(&mut quiet)
    }

    /// Drives it until it takes another request; nothing if it ends before.
    pub async fn settle(&mut self) -> Option<()> {
        let Self { sender, driver, .. } = self;
        let ready = poll_fn(|task| {
            drive(driver, task);
            sender.poll_ready(task)
        });
        ready.await.ok()
    }

    /// Drives it to its end, which is where another protocol begins.
    pub async fn end(mut self) {
        poll_fn(|task| {
            drive(&mut self.driver, task);
            if self.driver.is_none() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

impl Body for Incomplete<'_> {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
        let Self { body, connection } = self.get_mut();
        connection.poll_frame(body, task)
    }
}

fn drive(driver: &mut Option<Driver>, task: &mut Context<'_>) {
    // Who waits for an answer gets the error too.
    if let Some(open) = driver
        && open.as_mut().poll(task).is_ready()
    {
        *driver = None;
    }
}

impl Alarm {
    fn poll(&mut self, task: &mut Context<'_>, due: impl Fn() -> Instant) -> Poll<()> {
        let alarm = self.0.get_or_insert_with(|| Box::pin(sleep_until(due().into())));
        loop {
            let due = due();
            if alarm.deadline() > due.into() {
                alarm.as_mut().reset(due.into());
            }
            ready!(alarm.as_mut().poll(task));
            if due <= Instant::now() {
                return Poll::Ready(());
            }
            alarm.as_mut().reset(due.into());
        }
    }
}
