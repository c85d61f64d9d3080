//! The body of an answer on its way to the client: passed on as it comes, never held.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use actix_web::body::BodySize;
use bytes::Bytes;
use hyper::body::{Body as _, Incoming};

use super::pool::Lease;

/// The body of a service's answer. The connection goes back to the pool at its end; a body that is given up
/// before takes the connection with it.
pub struct Download {
    incoming: Incoming,
    lease: Option<Lease>,
    size: BodySize,
}

impl Download {
    /// The body of an answer with this Content-Length, if it has one.
    pub fn new(incoming: Incoming, lease: Lease, length: Option<u64>) -> Self {
        let ended = incoming.is_end_stream();
        let size = match length {
            // An answer to HEAD has a length and no body.
            Some(length) => BodySize::Sized(length),
            None if ended => BodySize::None,
            None => BodySize::Stream,
        };
        let mut download = Self { incoming, lease: Some(lease), size };
        if ended {
            download.end();
        }
        download
    }

    /// How long it is.
    pub fn size(&self) -> BodySize {
        self.size
    }

    /// The next part of it. Trailers are not passed on.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<hyper::Result<Bytes>>> {
        loop {
            let frame = ready!(Pin::new(&mut self.incoming).poll_frame(context));
            if frame.is_none() || self.incoming.is_end_stream() {
                self.end();
            }
            match frame {
                None => return Poll::Ready(None),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        return Poll::Ready(Some(Ok(data)));
                    }
                }
            }
        }
    }

    fn end(&mut self) {
        if let Some(lease) = self.lease.take() {
            lease.give_back();
        }
    }
}
