//! The access log: one line for each request. It holds nothing of a person: a template instead of the path, no
//! query, no token, and of the address at most the network, if a setting asks for it.

use std::cell::RefCell;
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, SubsecRound as _, Utc};
use hms_telemetry::Lines;
use hms_telemetry::lines::Buffer;

/// Where the lines go.
#[derive(Clone, Default)]
pub enum AccessLog {
    /// Through `tracing`, as all other lines: for people at a terminal.
    #[default]
    Tracing,
    /// As JSON, one object a line, without a wait.
    Json(Lines),
    /// Nowhere.
    Off,
}

/// Where one worker's lines go.
pub enum Writer {
    Tracing,
    Json(Json),
    Off,
}

/// Lines of JSON; the beginning of the time is kept while the second lasts.
pub struct Json {
    lines: Buffer,
    second: RefCell<(i64, String)>,
}

/// What is told of a request.
pub struct Entry<'a> {
    pub at: DateTime<Utc>,
    pub method: &'static str,
    pub route: &'a str,
    pub status: u16,
    pub received: u64,
    pub sent: u64,
    /// From the first byte of the request to the last of the answer.
    pub elapsed: Duration,
    /// How much of it was the wait for the head of the service's answer.
    pub waited: Option<Duration>,
    /// A word of lower-case letters, digits and hyphens: see the table of routes.
    pub upstream: Option<&'a str>,
    pub signed_in: bool,
    /// Letters, digits, `_` and `-`: see [`crate::context`].
    pub request_id: &'a str,
    /// Hexadecimal digits.
    pub trace_id: &'a str,
    /// The network of the client, where it is to be told.
    pub client: Option<IpAddr>,
}

impl AccessLog {
    /// The writer of one worker.
    pub fn writer(&self) -> Writer {
        match self {
            Self::Tracing => Writer::Tracing,
            Self::Json(lines) => {
                Writer::Json(Json { lines: lines.buffer(), second: RefCell::new((i64::MIN, String::new())) })
            }
            Self::Off => Writer::Off,
        }
    }
}

impl Writer {
    /// Writes one line.
    pub fn write(&self, entry: &Entry<'_>) {
        match self {
            Self::Off => {}
            Self::Json(json) => json.write(entry),
            Self::Tracing => tracing::info!(
                target: "hms_gateway::access",
                method = entry.method,
                route = entry.route,
                status = entry.status,
                ms = millis(entry.elapsed),
                upstream_ms = entry.waited.map(millis),
                received = entry.received,
                sent = entry.sent,
                upstream = entry.upstream,
                signed_in = entry.signed_in,
                request_id = entry.request_id,
                trace_id = entry.trace_id,
                client = entry.client.map(tracing::field::display),
                "request"
            ),
        }
    }
}

impl Json {
    fn write(&self, entry: &Entry<'_>) {
        let mut second = self.second.borrow_mut();
        if second.0 != entry.at.timestamp() {
            let text = entry.at.trunc_subsecs(0).to_rfc3339_opts(SecondsFormat::Secs, true);
            *second = (entry.at.timestamp(), text.trim_end_matches('Z').to_owned());
        }
        self.lines.line(|line| {
            // Writing into memory does not fail.
            let _written = line_of(line, &second.1, entry);
        });
    }
}

fn line_of(line: &mut Vec<u8>, second: &str, entry: &Entry<'_>) -> std::io::Result<()> {
    line.extend_from_slice(br#"{"timestamp":""#);
    line.extend_from_slice(second.as_bytes());
    line.push(b'.');
    three_digits(line, entry.at.timestamp_subsec_millis().min(999));
    line.extend_from_slice(
        br#"Z","level":"INFO","target":"hms_gateway::access","message":"request","method":""#,
    );
    line.extend_from_slice(entry.method.as_bytes());
    line.extend_from_slice(br#"","route":"#);
    text(line, entry.route)?;
    number(line, r#","status":"#, entry.status.into());
    duration(line, r#","ms":"#, entry.elapsed);
    if let Some(waited) = entry.waited {
        duration(line, r#","upstream_ms":"#, waited);
        duration(line, r#","gateway_ms":"#, entry.elapsed.saturating_sub(waited));
    }
    number(line, r#","received":"#, entry.received);
    number(line, r#","sent":"#, entry.sent);
    if let Some(upstream) = entry.upstream {
        line.extend_from_slice(br#","upstream":""#);
        line.extend_from_slice(upstream.as_bytes());
        line.push(b'"');
    }
    line.extend_from_slice(br#","signed_in":"#);
    line.extend_from_slice(if entry.signed_in { b"true" } else { b"false" });
    line.extend_from_slice(br#","request_id":""#);
    line.extend_from_slice(entry.request_id.as_bytes());
    line.extend_from_slice(br#"","trace_id":""#);
    line.extend_from_slice(entry.trace_id.as_bytes());
    line.push(b'"');
    if let Some(client) = entry.client {
        write!(line, r#","client":"{client}""#)?;
    }
    line.push(b'}');
    Ok(())
}

fn number(line: &mut Vec<u8>, name: &str, number: u64) {
    line.extend_from_slice(name.as_bytes());
    line.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Milliseconds with three digits behind the point, without a float on the way of every request.
fn duration(line: &mut Vec<u8>, name: &str, duration: Duration) {
    let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
    number(line, name, micros / 1_000);
    line.push(b'.');
    three_digits(line, duration.subsec_micros() % 1_000);
}

fn three_digits(line: &mut Vec<u8>, number: u32) {
    for power in [100, 10, 1] {
        let digit = u8::try_from(number / power % 10).unwrap_or_default();
        line.push(b'0'.saturating_add(digit));
    }
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// A string of JSON; nearly all need no escape.
fn text(line: &mut Vec<u8>, text: &str) -> std::io::Result<()> {
    if text.bytes().any(|byte| byte < b' ' || matches!(byte, b'"' | b'\\')) {
        return serde_json::to_writer(&mut *line, text).map_err(Into::into);
    }
    line.push(b'"');
    line.extend_from_slice(text.as_bytes());
    line.push(b'"');
    Ok(())
}

/// The /24 or /48 that an address lies in: where somebody comes from, and not who.
pub fn truncated(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(address) => IpAddr::V4(Ipv4Addr::from_bits(address.to_bits() & 0xffff_ff00)),
        IpAddr::V6(address) => {
            let mask = u128::MAX << 80;
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & mask))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_json_object() {
        let entry = Entry {
            at: DateTime::from_timestamp_micros(1_767_225_600_007_000).unwrap(),
            method: "GET",
            route: "/api/v1/\"a\"\n/{id}",
            status: 200,
            received: 0,
            sent: 1024,
            elapsed: Duration::from_micros(2_500),
            waited: Some(Duration::from_nanos(1_750_999)),
            upstream: Some("user"),
            signed_in: true,
            request_id: "r-1",
            trace_id: "0af7651916cd43dd8448eb211c80319c",
            client: Some(truncated("198.51.100.77".parse().unwrap())),
        };
        let mut line = Vec::new();
        line_of(&mut line, "2026-01-01T00:00:00", &entry).unwrap();
        let json: serde_json::Value = serde_json::from_slice(&line).unwrap();
        assert_eq!(
            json,
            serde_json::json!({
                "timestamp": "2026-01-01T00:00:00.007Z", "level": "INFO", "target": "hms_gateway::access",
                "message": "request", "method": "GET", "route": "/api/v1/\"a\"\n/{id}", "status": 200,
                "ms": 2.5, "upstream_ms": 1.75, "gateway_ms": 0.749, "received": 0, "sent": 1024,
                "upstream": "user", "signed_in": true, "request_id": "r-1",
                "trace_id": "0af7651916cd43dd8448eb211c80319c", "client": "198.51.100.0",
            })
        );
        assert!(!line.contains(&b'\n'));
    }

    #[test]
    fn an_address_is_cut_to_its_network() {
        let cut = |text: &str| truncated(text.parse().unwrap()).to_string();
        assert_eq!(cut("198.51.100.77"), "198.51.100.0");
        assert_eq!(cut("2001:db8:1:2:3::4"), "2001:db8:1::");
    }
}
