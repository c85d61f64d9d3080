//! Messages that leave the service's queue for another one, and the headers they carry there.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use hms_model::id::EventId;
use lapin::BasicProperties;
use lapin::message::Delivery;
use lapin::types::{AMQPValue, FieldTable, LongString};

use super::publisher::Outgoing;
use super::topology::Names;
use crate::trace::TRACEPARENT;

/// How often the message was tried in vain.
pub(crate) const ATTEMPTS: &str = "x-hms-attempts";
/// Why the last time.
pub(crate) const REASON: &str = "x-hms-reason";
/// When it was given up.
pub(crate) const DIED_AT: &str = "x-hms-died-at";
/// The longest reason that is kept, in characters; headers share a frame.
const LONGEST_REASON: usize = 2_000;

/// What becomes of a message.
pub(crate) enum Fate {
    /// It is done with.
    Done,
    /// It comes back.
    Again { after: Duration, failures: u32, reason: Option<String> },
    /// It is given up.
    Dead { failures: u32, reason: String, at: DateTime<Utc> },
}

/// The same message, on its way to where its fate sends it.
pub(crate) fn outgoing<'a>(names: &'a Names, delivery: &'a Delivery, fate: &Fate) -> Option<Outgoing<'a>> {
    let mut headers = FieldTable::default();
    if let Some(traceparent) = header(delivery, TRACEPARENT) {
        headers.insert(TRACEPARENT.into(), traceparent.clone());
    }
    let (exchange, key, expiration) = match fate {
        Fate::Done => return None,
        Fate::Again { after, failures, reason } => {
            headers.insert(ATTEMPTS.into(), AMQPValue::LongUInt(*failures));
            if let Some(reason) = reason {
                headers.insert(REASON.into(), text(reason));
            }
            ("", names.retry.as_str(), Some(after.as_millis().max(1).to_string()))
        }
        Fate::Dead { failures, reason, at } => {
            headers.insert(ATTEMPTS.into(), AMQPValue::LongUInt(*failures));
            headers.insert(REASON.into(), text(reason));
            headers.insert(DIED_AT.into(), text(&at.to_rfc3339_opts(SecondsFormat::Millis, true)));
            (names.dead_exchange.as_str(), names.service, None)
        }
    };
    let mut properties = described(&delivery.properties).with_headers(headers);
    if let (Fate::Dead { at, .. }, None) = (fate, properties.message_id()) {
        // Garbage has no id; as a dead letter it needs one, to be named by.
        properties = properties.with_message_id(EventId::new(*at).to_string().into());
    }
    if let Some(expiration) = expiration {
        properties = properties.with_expiration(expiration.into());
    }
    Some(Outgoing { exchange, key, body: &delivery.data, properties })
}

/// How often a message has failed before.
pub(crate) fn failures(delivery: &Delivery) -> u32 {
    header(delivery, ATTEMPTS).and_then(AMQPValue::as_long_uint).unwrap_or(0)
}

/// The span of the handing over, where it is traced.
pub(crate) fn traceparent(delivery: &Delivery) -> Option<String> {
    let text = header(delivery, TRACEPARENT).and_then(AMQPValue::as_long_string)?;
    std::str::from_utf8(text.as_bytes()).ok().map(str::to_owned)
}

fn header<'a>(delivery: &'a Delivery, name: &str) -> Option<&'a AMQPValue> {
    delivery.properties.headers().as_ref()?.inner().get(name)
}

/// What the message says of itself; not its headers: those of the broker would make it see circles.
fn described(properties: &BasicProperties) -> BasicProperties {
    let mut same = BasicProperties::default();
    if let Some(content_type) = properties.content_type() {
        same = same.with_content_type(content_type.clone());
    }
    if let Some(id) = properties.message_id() {
        same = same.with_message_id(id.clone());
    }
    if let Some(kind) = properties.kind() {
        same = same.with_type(kind.clone());
    }
    same
}

fn text(value: &str) -> AMQPValue {
    let short: String = value.chars().take(LONGEST_REASON).collect();
    AMQPValue::LongString(LongString::from(short))
}
