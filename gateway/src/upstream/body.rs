//! The body of a request on its way to a service: counted, and held only where it is small and the request may
//! be sent again.

use std::cell::{Cell, RefCell};
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::header::{self, HeaderMap};
use bytes::Bytes;
use futures_util::Stream as _;
use hyper::body::{Body, Frame, SizeHint};

use super::Failure;

/// The body of a request; either none, or a stream from the client.
pub struct RequestBody(Option<Upload>);

struct Upload {
    source: Source,
    /// The length that the client announced.
    length: Option<u64>,
    limit: u64,
    sent: u64,
    state: Rc<UploadState>,
}

enum Source {
    Client(Payload),
    /// The same, where the request may be sent again; with the number of this time.
    Shared(Rc<Kept>, u32),
    /// The parts that were kept, and which of them is next.
    Kept(Rc<Kept>, usize),
}

/// What the client sends, and the parts of it that have been sent on, for as long as all of them are within the
/// bound.
struct Kept {
    payload: RefCell<Payload>,
    /// How often it has been begun to send it.
    times: Cell<u32>,
    /// Whether anything of it has come.
    touched: Cell<bool>,
    parts: RefCell<Vec<Bytes>>,
    bound: u64,
    whole: Cell<bool>,
}

/// What a request needs to be sent once more.
pub enum Replay {
    /// It must not be.
    Never,
    /// It has no body.
    Nothing,
    /// Its body, if nothing of it has come yet, or it has come whole and was kept.
    Kept(Replayed),
}

/// A body that is kept while it is sent.
pub struct Replayed {
    kept: Rc<Kept>,
    length: Option<u64>,
    limit: u64,
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
    #[error("the body did not arrive in time")]
    Stalled,
}

impl RequestBody {
    /// The body that a request with these headers has.
    pub fn new(headers: &HeaderMap, payload: Payload, limit: u64) -> Self {
        let length = headers.get(header::CONTENT_LENGTH);
        let length = length.and_then(|value| value.to_str().ok()?.trim().parse().ok());
        if !headers.contains_key(header::TRANSFER_ENCODING) && matches!(length, None | Some(0)) {
            return Self::none();
        }
        Self(Some(Upload::new(Source::Client(payload), length, limit)))
    }

    /// No body.
    pub fn none() -> Self {
        Self(None)
    }

    /// Whether there is one and its length is not known beforehand.
    pub fn is_chunked(&self) -> bool {
        self.0.as_ref().is_some_and(|upload| upload.length.is_none())
    }

    /// How far it is, where there is one.
    pub fn state(&self) -> Option<Rc<UploadState>> {
        self.0.as_ref().map(|upload| Rc::clone(&upload.state))
    }

    /// Keeps what goes out of it from now on, if it is no larger than `bound` bytes, so that it can be sent again.
    pub fn keep(&mut self, bound: u64) -> Replay {
        let Some(upload) = &mut self.0 else { return Replay::Nothing };
        let Source::Client(payload) = &mut upload.source else { return Replay::Never };
        // Parts of a body that is too large as a whole need not be kept.
        let bound = if upload.length.is_some_and(|length| length > bound) { 0 } else { bound };
        let kept = Rc::new(Kept {
            payload: RefCell::new(std::mem::replace(payload, Payload::None)),
            times: Cell::new(0),
            touched: Cell::new(false),
            parts: RefCell::default(),
            bound,
            whole: Cell::new(false),
        });
        upload.source = Source::Shared(Rc::clone(&kept), 0);
        Replay::Kept(Replayed { kept, length: upload.length, limit: upload.limit })
    }
}

impl Replay {
    /// The body once more, if nothing of it was lost.
    pub fn again(&self) -> Option<RequestBody> {
        match self {
            Self::Never => None,
            Self::Nothing => Some(RequestBody::none()),
            Self::Kept(Replayed { kept, length, limit }) => {
                let source = if kept.whole.get() {
                    Source::Kept(Rc::clone(kept), 0)
                } else if !kept.touched.get() {
                    let time = kept.times.get().saturating_add(1);
                    kept.times.set(time);
                    Source::Shared(Rc::clone(kept), time)
                } else {
                    return None;
                };
                Some(RequestBody(Some(Upload::new(source, *length, *limit))))
            }
        }
    }

    /// Whether a request can be sent again without fail, whatever of it has gone out.
    pub fn is_sure(&self) -> bool {
        matches!(self, Self::Nothing)
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
            UploadError::Stalled => Failure::Stalled,
        })
    }

    /// Whose turn it is: the client's, to send more, or the service's.
    pub fn waits_for_client(&self) -> bool {
        self.waits_for_client.get()
    }
}

impl Kept {
    fn poll(&self, time: u32, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, PayloadError>>> {
        // A body that was given up must not take parts from the one that goes on.
        if time != self.times.get() {
            return Poll::Ready(Some(Err(PayloadError::Incomplete(None))));
        }
        let next = ready!(Pin::new(&mut *self.payload.borrow_mut()).poll_next(context));
        self.touched.set(true);
        Poll::Ready(next)
    }

    fn add(&self, part: &Bytes, sent: u64) {
        let mut parts = self.parts.borrow_mut();
        if sent <= self.bound {
            parts.push(part.clone());
        } else {
            parts.clear();
        }
    }

    fn end(&self, sent: u64) {
        self.whole.set(sent <= self.bound);
    }
}

impl Upload {
    fn new(source: Source, length: Option<u64>, limit: u64) -> Self {
        let state = UploadState {
            moved: Cell::new(Instant::now()),
            waits_for_client: Cell::new(false),
            broken: Cell::new(None),
        };
        Self { source, length, limit, sent: 0, state: Rc::new(state) }
    }

    fn poll_source(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, PayloadError>>> {
        match &mut self.source {
            Source::Client(payload) => Pin::new(payload).poll_next(context),
            Source::Shared(kept, time) => kept.poll(*time, context),
            Source::Kept(kept, next) => {
                let part = kept.parts.borrow().get(*next).cloned();
                *next = next.saturating_add(1);
                Poll::Ready(part.map(Ok))
            }
        }
    }

    fn take(&mut self, next: Option<Result<Bytes, PayloadError>>) -> Result<Option<Bytes>, UploadError> {
        self.state.moved.set(Instant::now());
        let taken = match next {
            None if self.length.is_some_and(|length| self.sent < length) => Err(UploadError::Aborted),
            None => Ok(None),
            Some(Err(PayloadError::Io(error))) if error.kind() == io::ErrorKind::TimedOut => {
                Err(UploadError::Stalled)
            }
            Some(Err(_)) => Err(UploadError::Aborted),
            Some(Ok(bytes)) => {
                self.sent = self.sent.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
                if self.sent > self.limit { Err(UploadError::TooLarge) } else { Ok(Some(bytes)) }
            }
        };
        self.state.broken.set(taken.as_ref().err().copied());
        if let (Source::Shared(kept, _), Ok(taken)) = (&self.source, &taken) {
            if let Some(part) = taken {
                kept.add(part, self.sent);
            }
            if taken.is_none() || self.length == Some(self.sent) {
                kept.end(self.sent);
            }
        }
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
        let next = ready!(upload.poll_source(context));
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

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;
    use futures_util::{Stream, stream};
    use http_body_util::BodyExt as _;

    use super::*;

    /// A body that comes in these parts; an empty one breaks it off.
    fn body(parts: &'static [&'static str], length: Option<&str>) -> RequestBody {
        let parts = parts.iter().map(|part| match *part {
            "" => Err(PayloadError::Incomplete(None)),
            part => Ok(Bytes::from_static(part.as_bytes())),
        });
        let parts: Pin<Box<dyn Stream<Item = Result<Bytes, PayloadError>>>> = Box::pin(stream::iter(parts));
        let payload = Payload::Stream { payload: parts };
        let mut headers = HeaderMap::new();
        match length {
            Some(length) => headers.insert(header::CONTENT_LENGTH, HeaderValue::from_str(length).unwrap()),
            None => headers.insert(header::TRANSFER_ENCODING, HeaderValue::from_static("chunked")),
        };
        RequestBody::new(&headers, payload, 100)
    }

    #[actix_web::test]
    async fn only_a_small_body_that_came_whole_can_be_sent_again() {
        for (parts, length, bound, expected) in [
            (&["ab", "cd"][..], Some("4"), 4, Some("abcd")),
            (&["ab", "cd"], None, 4, Some("abcd")),
            (&["ab", "cd"], Some("4"), 3, None),
            (&["ab", "cd"], None, 3, None),
            (&["ab", ""], Some("4"), 4, None),
            (&["ab", ""], None, 4, None),
            (&["ab"], Some("4"), 4, None),
        ] {
            let mut body = body(parts, length);
            let replay = body.keep(bound);
            let _sent = body.collect().await;
            let again = match replay.again() {
                Some(body) => Some(body.collect().await.unwrap().to_bytes()),
                None => None,
            };
            assert_eq!(again.as_deref(), expected.map(str::as_bytes), "{parts:?} {length:?} {bound}");
        }
    }

    #[actix_web::test]
    async fn a_half_taken_body_cannot_be_sent_again() {
        let mut body = body(&["ab", "cd"], Some("4"));
        let replay = body.keep(10);
        body.frame().await.unwrap().unwrap();
        assert!(replay.again().is_none());
        body.frame().await.unwrap().unwrap();
        assert!(replay.again().is_some());
    }

    #[actix_web::test]
    async fn a_body_of_which_nothing_has_come_can_be_sent_again_whatever_its_size() {
        let mut given_up = body(&["ab", "cd"], Some("4"));
        let replay = given_up.keep(1);
        let again = replay.again().unwrap();
        assert!(given_up.collect().await.is_err(), "it takes nothing from the other");
        assert_eq!(again.collect().await.unwrap().to_bytes(), "abcd");
        assert!(replay.again().is_none(), "now something has come, and was not kept");
    }

    #[test]
    fn no_body_can_always_be_sent_again() {
        assert!(RequestBody::none().keep(0).again().is_some());
    }
}
