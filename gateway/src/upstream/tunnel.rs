//! A WebSocket: after the handshake, bytes both ways. They are not looked into, but for where frames end, so
//! that a client can be told properly when the gateway stops.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use actix_web::dev::Payload;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncWriteExt as _, ReadHalf, WriteHalf};
use tokio::task::JoinHandle;
use tokio_util::io::poll_read_buf;

use super::frames::{Frames, GOING_AWAY};

/// Read at once, at most.
const PART: usize = 16 * 1024;

/// A WebSocket between a client and a service. Dropped, it closes the connection to the service.
pub struct Tunnel {
    from_service: ReadHalf<TokioIo<Upgraded>>,
    frames: Frames,
    state: State,
    /// Set by each part that the client sends.
    moved: Rc<Cell<bool>>,
    to_service: JoinHandle<()>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// To be ended at the end of the present frame.
    Leaving,
    Ended,
}

impl Tunnel {
    /// Joins what the client sends to the service's connection.
    pub fn new(upgraded: Upgraded, from_client: Payload) -> Self {
        let (from_service, to_service) = tokio::io::split(TokioIo::new(upgraded));
        let moved = Rc::new(Cell::new(false));
        let to_service = actix_web::rt::spawn(pump(from_client, to_service, Rc::clone(&moved)));
        Self { from_service, frames: Frames::new(), state: State::Open, moved, to_service }
    }

    /// Whether the client has sent something since the last question.
    pub fn has_moved(&self) -> bool {
        self.moved.take()
    }

    /// Ends it after the present frame, with a goodbye to the client.
    pub fn go_away(&mut self) {
        if self.state == State::Open {
            self.state = State::Leaving;
        }
    }

    /// The next bytes for the client.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        match self.state {
            State::Ended => return Poll::Ready(None),
            State::Leaving if self.frames.is_between() => {
                self.state = State::Ended;
                return Poll::Ready(Some(Ok(Bytes::from_static(&GOING_AWAY))));
            }
            State::Open | State::Leaving => {}
        }
        let mut part = BytesMut::with_capacity(PART);
        let read = ready!(poll_read_buf(Pin::new(&mut self.from_service), context, &mut part));
        Poll::Ready(match read {
            Err(error) => Some(Err(error)),
            Ok(0) => {
                self.state = State::Ended;
                None
            }
            Ok(_) => Some(Ok(self.pass(part))),
        })
    }

    fn pass(&mut self, mut part: BytesMut) -> Bytes {
        if self.state != State::Leaving {
            self.frames.pass(&part);
        } else if let Some(end) = self.frames.pass_to_end(&part) {
            part.truncate(end);
        }
        part.freeze()
    }
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        self.to_service.abort();
    }
}

/// Passes on what the client sends until either side ends; then the service gets the end too.
async fn pump(mut from_client: Payload, mut to_service: WriteHalf<TokioIo<Upgraded>>, moved: Rc<Cell<bool>>) {
    while let Some(Ok(part)) = from_client.next().await {
        moved.set(true);
        if to_service.write_all(&part).await.is_err() {
            return;
        }
    }
    // A service that is gone already needs no goodbye.
    let _gone = to_service.shutdown().await;
}
