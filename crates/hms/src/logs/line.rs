//! One line of a log.

use chrono::{DateTime, Utc};
use hms_model::service::ServiceEntry;
use hms_telemetry::LevelFilter;
use serde_json::{Map, Value};

/// What is shown first, or not at all, when a line is shown as text.
const SHOWN: [&str; 5] = ["timestamp", "level", "message", "service", "target"];

/// A line that is one JSON object, as the services write them.
#[derive(Debug)]
pub struct Line {
    raw: String,
    fields: Map<String, Value>,
    at: DateTime<Utc>,
    service: String,
}

impl Line {
    /// Reads a line of the file of this program; none where it is no line of ours.
    pub fn read(raw: &str, program: &str) -> Option<Self> {
        let fields: Map<String, Value> = serde_json::from_str(raw).ok()?;
        let at = DateTime::parse_from_rfc3339(fields.get("timestamp")?.as_str()?).ok()?;
        let service = service_of(&fields, program);
        Some(Self { raw: raw.to_owned(), at: at.into(), service, fields })
    }

    /// As it was written.
    pub fn raw(&self) -> &str {
        &self.raw
    }

    /// When it was written.
    pub fn at(&self) -> DateTime<Utc> {
        self.at
    }

    /// Which service it tells of.
    pub fn service(&self) -> &str {
        &self.service
    }

    /// How bad it is.
    pub fn level(&self) -> LevelFilter {
        self.field("level").and_then(|level| level.parse().ok()).unwrap_or(LevelFilter::ERROR)
    }

    /// The text of a field.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name)?.as_str()
    }

    /// For people: time, level, service, what is told, and the other fields.
    pub fn text(&self) -> String {
        let others = self.fields.iter().filter(|(name, _)| !SHOWN.contains(&name.as_str()));
        let others = others.map(|(name, value)| match value {
            Value::String(text) => format!(" {name}={text}"),
            other => format!(" {name}={other}"),
        });
        let (at, level) = (self.at.format("%F %T%.3f"), self.field("level").unwrap_or_default());
        let (service, message) = (&self.service, self.field("message").unwrap_or_default());
        format!("{at} {level:<5} {service:<12} {message}{}", others.collect::<String>())
    }
}

/// The service that a line names, or whose code wrote it, or whose file it stands in.
fn service_of(fields: &Map<String, Value>, program: &str) -> String {
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    let wrote = text("target").and_then(|target| target.strip_prefix("hms_")?.split("::").next());
    let wrote = wrote.filter(|name| *name == "gateway" || ServiceEntry::find(name).is_some());
    let by_file = program.strip_prefix("hms-").unwrap_or(program);
    text("service").or(wrote).unwrap_or(by_file).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(fields: &str) -> Line {
        let raw = format!(r#"{{"timestamp":"2026-11-30T05:45:09.007Z","level":"WARN",{fields}}}"#);
        Line::read(&raw, "hms").unwrap()
    }

    #[test]
    fn a_line_is_of_who_is_named_in_it_or_wrote_it() {
        for (fields, service) in [
            (r#""service":"user","target":"hms_bus::engine""#, "user"),
            (r#""target":"hms_gateway::access""#, "gateway"),
            (r#""target":"hms_audit::inspection""#, "audit"),
            (r#""target":"hms_db::pool""#, "hms"),
        ] {
            assert_eq!(line(fields).service(), service, "{fields}");
        }
        let alone = Line::read(r#"{"timestamp":"2026-11-30T05:45:09Z","target":"hms_db"}"#, "hms-billing");
        assert_eq!(alone.unwrap().service(), "billing");
    }

    #[test]
    fn a_line_is_shown_as_text() {
        let shown = line(r#""message":"failed","service":"user","status":500,"route":"/a""#).text();
        assert_eq!(shown, "2026-11-30 05:45:09.007 WARN  user         failed route=/a status=500");
        assert!(Line::read("not JSON", "hms").is_none());
        assert!(Line::read("{}", "hms").is_none());
    }
}
