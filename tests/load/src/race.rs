//! Many who want the same slot at the same time.

use std::fmt;
use std::net::SocketAddr;

use anyhow::Context as _;
use bytes::Bytes;
use futures_util::future::try_join_all;
use http::Request;
use http_body_util::Full;

use crate::connection::Connection;
use crate::work::{Outcome, Work};

/// How many ask for one slot.
const RIVALS: usize = 8;

/// How the races ended.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    slots: u32,
    /// Given to two or more.
    double: u32,
    /// Given to nobody.
    none: u32,
    /// Requests that were neither booked nor told that the slot is taken.
    failed: u32,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { slots, double, none, failed } = self;
        write!(f, "slots={slots} double={double} none={none} failed={failed}")
    }
}

/// Asks for each of the slots over eight connections at once.
pub async fn run(gateway: SocketAddr, work: &Work, slots: u32) -> anyhow::Result<Report> {
    let mut rivals = try_join_all((0..RIVALS).map(|_| Connection::open(gateway))).await?;
    let mut report = Report { slots, ..Report::default() };
    for _ in 0..slots {
        let requests = work.rivals(RIVALS)?;
        let answers = rivals.iter_mut().zip(requests).map(|(rival, request)| rival.send(request));
        let outcomes: Vec<_> = try_join_all(answers)
            .await
            .context("a rival got no answer")?
            .iter()
            .map(|answer| work.judge(answer))
            .collect();
        let count = |wanted| outcomes.iter().filter(|outcome| **outcome == wanted).count();
        match count(Outcome::Done) {
            0 => report.none += 1,
            1 => {}
            _ => report.double += 1,
        }
        report.failed += u32::try_from(count(Outcome::Failed)).unwrap_or(u32::MAX);
    }
    Ok(report)
}

impl Work {
    /// So many requests for one and the same thing, each with an idempotency key of its own.
    fn rivals(&self, count: usize) -> anyhow::Result<Vec<Request<Full<Bytes>>>> {
        let first = self.request()?;
        let (parts, body) = first.into_parts();
        (0..count)
            .map(|_| {
                let mut request = Request::new(body.clone());
                *request.method_mut() = parts.method.clone();
                *request.uri_mut() = parts.uri.clone();
                request.headers_mut().clone_from(&parts.headers);
                if let Some(key) = request.headers_mut().get_mut(crate::api::IDEMPOTENCY_KEY) {
                    *key = format!("{:032x}", fastrand::u128(..)).try_into()?;
                }
                Ok(request)
            })
            .collect()
    }
}
