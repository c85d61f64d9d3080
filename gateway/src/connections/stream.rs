//! The stream of one connection, which ends by itself when it is time.

use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep_until};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::Connection;

/// How often a connection with HTTP/2 is looked at while the gateway stops.
const LAST_ANSWERS: Duration = Duration::from_millis(50);

/// The stream of a connection. Where nothing comes from the client, and the connection has been without a request in
/// flight, or with an answer that nobody takes, for too long, it ends.
///
/// actix closes connections of HTTP/1.1 when it stops, and waits for those of HTTP/2; they end here, once they have
/// nothing in flight.
pub struct Watched<T> {
    stream: T,
    connection: Rc<Connection>,
    /// When it is looked at next. It is not moved with each request, which would cost a lock each time.
    alarm: Pin<Box<Sleep>>,
    /// Until the gateway stops, where actix does not end the connection then.
    ending: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
    stopping: bool,
}

impl<T> Watched<T> {
    /// Watches over a stream of HTTP/1.1.
    pub fn new(stream: T, connection: Rc<Connection>) -> Self {
        let alarm = Box::pin(sleep_until(look(&connection).into()));
        Self { stream, connection, alarm, ending: None, stopping: false }
    }

    /// Watches over a stream of HTTP/2, which ends with the gateway.
    pub fn http2(stream: T, connection: Rc<Connection>, ending: CancellationToken) -> Self {
        Self { ending: Some(Box::pin(ending.cancelled_owned())), ..Self::new(stream, connection) }
    }

    /// What requests know of it.
    pub fn connection(&self) -> &Rc<Connection> {
        &self.connection
    }

    fn poll_end(&mut self, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some(ending) = &mut self.ending
            && ending.as_mut().poll(task).is_ready()
        {
            self.stopping = true;
            self.ending = None;
            self.alarm.as_mut().reset(Instant::now().into());
        }
        loop {
            ready!(self.alarm.as_mut().poll(task));
            let idle = self.connection.in_flight.get() == 0;
            match self.connection.due() <= Instant::now() {
                // As if the client had said that nothing more comes: an answer that is not written would be lost.
                _ if self.stopping && idle && !self.connection.unwritten.get() => return Poll::Ready(Ok(())),
                true if idle => return Poll::Ready(Ok(())),
                true => return Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
                false => {}
            }
            let next = look(&self.connection);
            let next = if self.stopping { next.min(Instant::now() + LAST_ANSWERS) } else { next };
            self.alarm.as_mut().reset(next.into());
        }
    }
}

/// When a connection is to be looked at: when it is due as it is now, and not much later, since an answer that begins
/// meanwhile may be due before.
fn look(connection: &Connection) -> Instant {
    connection.due().min(Instant::now() + connection.all.clients.write)
}

impl<T: AsyncRead + Unpin> AsyncRead for Watched<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        task: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        match Pin::new(&mut this.stream).poll_read(task, into) {
            Poll::Pending => this.poll_end(task),
            read => read,
        }
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Watched<T> {
    fn poll_write(self: Pin<&mut Self>, task: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(task, from)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        task: &mut Context<'_>,
        from: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(task, from)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = Pin::new(&mut this.stream).poll_flush(task);
        if matches!(flushed, Poll::Ready(Ok(()))) {
            this.connection.unwritten.set(false);
        }
        flushed
    }

    fn poll_shutdown(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(task)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use hms_telemetry::Metrics;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::super::Connections;
    use super::*;
    use crate::{Clients, Proxies};

    #[tokio::test]
    async fn a_gateway_that_stops_writes_an_answer_that_has_just_ended() {
        let all = Connections::new(Clients::default(), Proxies::default(), &Metrics::new()).unwrap();
        let connection = Rc::new(Arc::new(all).count(None));
        let (near, _far) = tokio::io::duplex(64);
        let ending = CancellationToken::new();
        let mut stream = Watched::http2(near, Rc::clone(&connection), ending.clone());
        let longer = 3 * LAST_ANSWERS;

        connection.begin();
        ending.cancel();
        let mut into = [0; 8];
        assert!(
            tokio::time::timeout(longer, stream.read(&mut into)).await.is_err(),
            "ended with one in flight"
        );
        connection.end();
        assert!(
            tokio::time::timeout(longer, stream.read(&mut into)).await.is_err(),
            "ended before it was written"
        );
        stream.write_all(b"answer").await.unwrap();
        stream.flush().await.unwrap();
        assert_eq!(tokio::time::timeout(longer, stream.read(&mut into)).await.unwrap().unwrap(), 0);
    }
}
