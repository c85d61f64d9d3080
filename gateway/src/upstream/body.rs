//! The body of a request on its way to a service: counted, never held.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use actix_web::dev::Payload;
use actix_web::http::header::{self, HeaderMap};
use bytes::Bytes;
use futures_util::Stream as _;
use hyper::body::{Body, Frame, SizeHint};

use super::Failure;

/// The body of a request; either none, or a stream from the client.
pub struct RequestBody(Option<Upload>);

struct Upload {
    payload: Payload,
    /// The length that the client announced.
    length: Option<u64>,
    limit: u64,
    sent: u64,
    state: Rc<UploadState>,
}

/// How far an upload is; read while hyper has the body.
pub struct UploadState {
    moved: Cell<Instant>,
    waits_for_client: Cell<bool>,
    broken: Cell<Option<UploadError>>,
}

/// Why a body cannot be sent on.
#[derive(Debug, Clone, Copy, thiserror::Error)]
pub enum UploadError {
    #[error("the body is over the limit")]
    TooLarge,
    #[error("the body is not whole")]
    Aborted,
}

impl RequestBody {
    /// The body that a request with these headers has.
    pub fn new(headers: &HeaderMap, payload: Payload, limit: u64) -> Self {
        let length = headers.get(header::CONTENT_LENGTH);
        let length = length.and_then(|value| value.to_str().ok()?.trim().parse().ok());
        if !headers.contains_key(header::TRANSFER_ENCODING) && matches!(length, None | Some(0)) {
            return Self::none();
        }
        let state = UploadState {
            moved: Cell::new(Instant::now()),
            waits_for_client: Cell::new(false),
            broken: Cell::new(None),
        };
        Self(Some(Upload { payload, length, limit, sent: 0, state: Rc::new(state) }))
    }

    /// No body.
    pub fn none() -> Self {
        Self(None)
    }

    /// Whether there is none.
    pub fn is_none(&self) -> bool {
        self.0.is_none()
    }

    /// Whether there is one and its length is not known beforehand.
    pub fn is_chunked(&self) -> bool {
        self.0.as_ref().is_some_and(|upload| upload.length.is_none())
    }

    /// How far it is, where there is one.
    pub fn state(&self) -> Option<Rc<UploadState>> {
        self.0.as_ref().map(|upload| Rc::clone(&upload.state))
    }
}

impl UploadState {
    /// When the last part of it moved.
    pub fn moved(&self) -> Instant {
        self.moved.get()
    }

    /// Why there is no answer, where that is the client's doing.
    pub fn failure(&self) -> Option<Failure> {
        self.broken.get().map(|error| match error {
            UploadError::TooLarge => Failure::TooLarge,
            UploadError::Aborted => Failure::Aborted,
        })
    }

    /// Whose turn it is: the client's, to send more, or the service's.
    pub fn waits_for_client(&self) -> bool {
        self.waits_for_client.get()
    }
}

impl Upload {
    fn take(
        &mut self,
        next: Option<Result<Bytes, actix_web::error::PayloadError>>,
    ) -> Result<Option<Bytes>, UploadError> {
        self.state.moved.set(Instant::now());
        let taken = match next {
            None if self.length.is_some_and(|length| self.sent < length) => Err(UploadError::Aborted),
            None => Ok(None),
            Some(Err(_)) => Err(UploadError::Aborted),
            Some(Ok(bytes)) => {
                self.sent = self.sent.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
                if self.sent > self.limit { Err(UploadError::TooLarge) } else { Ok(Some(bytes)) }
            }
        };
        self.state.broken.set(taken.as_ref().err().copied());
        taken
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = UploadError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UploadError>>> {
        let Some(upload) = &mut self.get_mut().0 else {
            return Poll::Ready(None);
        };
        upload.state.waits_for_client.set(true);
        let next = ready!(Pin::new(&mut upload.payload).poll_next(context));
        upload.state.waits_for_client.set(false);
        Poll::Ready(upload.take(next).transpose().map(|taken| taken.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            None => true,
            Some(upload) => upload.length.is_some_and(|length| upload.sent >= length),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            None => SizeHint::with_exact(0),
            Some(Upload { length: Some(length), sent, .. }) => {
                SizeHint::with_exact(length.saturating_sub(*sent))
            }
            Some(_) => SizeHint::default(),
        }
    }
}
