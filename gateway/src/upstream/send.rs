//! The way of one request to a service: to an endpoint, and where that gives no answer and nothing was lost,
//! to another one.

use std::time::{Duration, Instant};

use std::sync::Arc;

use actix_web::dev::Payload;
use futures_util::future::join;
use http::{Request, StatusCode, header, response};

use super::balance::Set;
use super::body::{Replay, RequestBody};
use super::breaker::Verdict;
use super::budget::Spent;
use super::download::{Download, Patience};
use super::pool::{Exchanged, Pool, Terms, Unanswered, Which};
use super::tunnel::Tunnel;
use super::{Endpoint, Failure, Slot, Upstream, Using, clock};

/// One request that is to be sent.
pub struct Order<'a> {
    /// To whom.
    pub upstream: &'a Arc<Upstream>,
    /// How long the head of the answer may take, where the upstream says nothing else.
    pub head: Duration,
    /// Between two parts of a stream, where the route says something else than the upstream.
    pub stream_idle: Option<Duration>,
    /// Whether sending it twice does the same as sending it once.
    pub repeatable: bool,
    /// What the client sends after the handshake, if it asks for a WebSocket.
    pub websocket: Option<Payload>,
}

/// The answer of a service.
pub struct Answer {
    /// Its head.
    pub head: response::Parts,
    /// Its body, which is still to come.
    pub body: Download,
}

/// What one request has become on its way.
struct Way<'a> {
    order: &'a Order<'a>,
    terms: Terms,
    replay: Replay,
    tried: Set,
    /// How often bytes of it may have reached the service.
    sent: u32,
    /// Held while a retry is under way.
    spent: Option<Spent>,
}

/// Sends a request, with the head that `make` gives it for an endpoint, and waits for the head of the answer.
pub async fn send(
    pool: &Pool,
    order: Order<'_>,
    body: RequestBody,
    make: impl Fn(&Endpoint, RequestBody) -> Request<RequestBody>,
) -> Result<Answer, Failure> {
    let upstream = order.upstream;
    let started = Instant::now();
    let entered = upstream.admit().and_then(|pass| Ok((pass, upstream.enter()?)));
    let (pass, slot) = entered.inspect_err(|failure| upstream.count(failure))?;
    let (mut body, settings) = (body, upstream.settings());
    upstream.state.budget.earn(&settings.retry);
    let deadlines = &settings.deadlines;
    let milliseconds = |given: Option<u64>, default| given.map_or(default, Duration::from_millis);
    let replay = if order.repeatable { body.keep(settings.retry.body_bytes) } else { Replay::Never };
    let terms = Terms {
        connect: milliseconds(deadlines.connect_ms, pool.connect_deadline()),
        head: milliseconds(deadlines.response_ms, order.head),
        until: started + deadlines.total(),
        connection: if replay.is_sure() { Which::Any } else { Which::Quiet },
    };
    let mut way = Way { order: &order, terms, replay, tried: Set::default(), sent: 0, spent: None };
    let answered = way.go(pool, body, make).await;
    pass.judge(match &answered {
        Ok(_) => Verdict::Answered,
        Err(failure) if failure.kind().is_some() => Verdict::Failed,
        Err(_) => Verdict::Unknown,
    });
    let answered = answered.inspect_err(|failure| upstream.count(failure))?;
    drop(way);
    finish(pool, order, answered, slot, started).await
}

impl Way<'_> {
    async fn go(
        &mut self,
        pool: &Pool,
        body: RequestBody,
        make: impl Fn(&Endpoint, RequestBody) -> Request<RequestBody>,
    ) -> Result<(Exchanged, Using), Failure> {
        let upstream = self.order.upstream;
        let (mut body, mut last) = (body, Failure::Full);
        loop {
            let place = upstream.pick(self.tried);
            let Some((place, endpoint)) =
                place.and_then(|place| Some((place, upstream.endpoints().get(place)?)))
            else {
                return Err(last);
            };
            let using = Using::begin(Arc::clone(endpoint));
            let exchanged = pool.exchange(endpoint, make(endpoint, body), self.terms).await;
            match exchanged {
                Ok(exchanged) => {
                    self.note(endpoint, is_refusal(exchanged.response.status()));
                    match self.again_after(&exchanged, place) {
                        Some(again) => body = again,
                        None => return Ok((exchanged, using)),
                    }
                }
                Err(Unanswered { failure, unsent: Some(unsent), .. }) if failure.kind().is_some() => {
                    self.note(endpoint, true);
                    self.tried.add(place);
                    (body, last) = (unsent.into_body(), failure);
                }
                Err(Unanswered { failure, stale, .. }) => {
                    // A stale connection says nothing of the endpoint: if it is the only one, it gets a second go.
                    if failure.kind().is_some() && !stale {
                        self.note(endpoint, true);
                    }
                    if !stale || self.has_another(place) {
                        self.tried.add(place);
                    }
                    body = self.again(&failure, stale, place).ok_or(failure)?;
                    last = Failure::Full;
                }
            }
        }
    }

    /// Notes how an endpoint did.
    fn note(&self, endpoint: &Endpoint, failed: bool) {
        if failed {
            self.order.upstream.note_failure(endpoint, clock::now());
        } else {
            endpoint.seen.succeed();
        }
    }

    /// The body to send once more after an exchange that broke.
    fn again(&mut self, failure: &Failure, stale: bool, place: usize) -> Option<RequestBody> {
        // The time for the answer is over, and a second go would take as long again.
        let worth = matches!(failure, Failure::Broken(_)) && (stale || self.has_another(place));
        if worth { self.spend() } else { None }
    }

    /// The body to send once more where an endpoint answered that it cannot, and another may.
    fn again_after(&mut self, exchanged: &Exchanged, place: usize) -> Option<RequestBody> {
        if !is_refusal(exchanged.response.status()) {
            return None;
        }
        self.tried.add(place);
        if self.has_another(place) { self.spend() } else { None }
    }

    /// Whether another endpoint than this is left that was not tried and is not left out.
    fn has_another(&self, than: usize) -> bool {
        let upstream = self.order.upstream;
        let now = clock::now();
        let mut endpoints = upstream.endpoints().iter().enumerate();
        endpoints
            .any(|(place, endpoint)| place != than && !self.tried.has(place) && endpoint.seen.is_usable(now))
    }

    /// The body once more, if nothing of it was lost and the budget allows it.
    fn spend(&mut self) -> Option<RequestBody> {
        let upstream = self.order.upstream;
        self.sent = self.sent.saturating_add(1);
        if self.sent >= upstream.settings().retry.attempts {
            return None;
        }
        let body = self.replay.again()?;
        // What was held for a retry before is given back first.
        self.spent = None;
        self.spent = Some(upstream.spend_retry()?);
        self.terms.connection = Which::Fresh;
        Some(body)
    }
}

/// The endpoint says that it, or whoever it asked, cannot answer.
fn is_refusal(status: StatusCode) -> bool {
    matches!(status, StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT)
}

/// The answer with all that watches over its body.
async fn finish(
    pool: &Pool,
    order: Order<'_>,
    (exchanged, using): (Exchanged, Using),
    slot: Slot,
    started: Instant,
) -> Result<Answer, Failure> {
    let status = exchanged.response.status();
    if status.is_informational() {
        let payload = order.websocket.filter(|_| status == StatusCode::SWITCHING_PROTOCOLS);
        let payload = payload.ok_or(Failure::Switched)?;
        let endless = endless(order.upstream, order.stream_idle);
        return Box::pin(switch(pool, order.upstream, exchanged, using, payload, endless)).await;
    }
    let Exchanged { response, lease } = exchanged;
    let upstream = order.upstream;
    let (head, incoming) = response.into_parts();
    if is_event_stream(&head) {
        let slot = upstream.enter_stream().inspect_err(|failure| upstream.count(failure))?;
        let endless = endless(upstream, order.stream_idle);
        let body = Download::body(incoming, lease, None, endless, (slot, using));
        return Ok(Answer { head, body: body.ending_at(pool.draining()) });
    }
    let deadlines = &upstream.settings().deadlines;
    let length = head.headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let patience = Patience { idle: deadlines.idle(), until: Some(started + deadlines.total()) };
    let body = Download::body(incoming, lease, length, patience, (slot, using));
    Ok(Answer { head, body })
}

/// The tunnel that the connection becomes where the service takes the handshake of a WebSocket.
async fn switch(
    pool: &Pool,
    upstream: &Upstream,
    exchanged: Exchanged,
    using: Using,
    payload: Payload,
    endless: Patience,
) -> Result<Answer, Failure> {
    let Exchanged { mut response, lease } = exchanged;
    let slot = upstream.enter_stream().inspect_err(|failure| upstream.count(failure))?;
    let (upgraded, ()) = join(hyper::upgrade::on(&mut response), lease.end()).await;
    let tunnel = Tunnel::new(upgraded.map_err(Failure::Broken)?, payload);
    let body = Download::tunnel(tunnel, endless, (slot, using)).ending_at(pool.draining());
    Ok(Answer { head: response.into_parts().0, body })
}

/// How long a stream of this service may take: for ever, as long as it says something now and then.
fn endless(upstream: &Upstream, idle: Option<Duration>) -> Patience {
    let idle = idle.unwrap_or_else(|| upstream.settings().deadlines.stream_idle());
    Patience { idle, until: None }
}

fn is_event_stream(head: &response::Parts) -> bool {
    let kind = head.headers.get(header::CONTENT_TYPE).map(|value| value.as_bytes());
    let essence = kind.and_then(|kind| kind.split(|&byte| byte == b';').next());
    essence.is_some_and(|essence| essence.trim_ascii().eq_ignore_ascii_case(b"text/event-stream"))
}
