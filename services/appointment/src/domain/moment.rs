//! A moment as clients write it.

use std::borrow::Cow;
use std::str::FromStr;

use chrono::{DateTime, Datelike, Utc};
use hms_model::Invalid;
use serde::Deserialize;
use utoipa::openapi::schema::Schema;
use utoipa::openapi::{KnownFormat, ObjectBuilder, RefOr, SchemaFormat, Type};
use utoipa::{PartialSchema, ToSchema};

/// A moment in RFC 3339 with its zone, cut to microseconds, which is what is kept of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Moment(pub DateTime<Utc>);

impl FromStr for Moment {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let invalid = || Invalid("must be RFC 3339 with a zone, such as 2026-03-02T09:00:00+01:00".into());
        let given = DateTime::parse_from_rfc3339(text).map_err(|_| invalid())?;
        let moment = DateTime::from_timestamp_micros(given.timestamp_micros());
        moment.filter(|at| (1..=9999).contains(&at.year())).map(Self).ok_or_else(invalid)
    }
}

impl TryFrom<String> for Moment {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl PartialSchema for Moment {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .examples(["2026-03-02T09:00:00+01:00"])
            .into()
    }
}

impl ToSchema for Moment {
    fn name() -> Cow<'static, str> {
        "Moment".into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_needs_a_zone() {
        let cases = [
            ("2026-03-02T09:00:00Z", Some("2026-03-02T09:00:00+00:00")),
            ("2026-03-02T09:00:00+01:00", Some("2026-03-02T08:00:00+00:00")),
            ("2026-03-02T09:00:00.123456789-05:30", Some("2026-03-02T14:30:00.123456+00:00")),
            ("2016-12-31T23:59:60Z", Some("2017-01-01T00:00:00+00:00")),
            ("2026-03-02T09:00:00", None),
            ("2026-03-02", None),
            ("2026-02-30T09:00:00Z", None),
            ("2026-03-02T25:00:00Z", None),
            ("9999-12-31T23:00:00-05:00", None),
            ("0000-06-01T00:00:00Z", None),
            ("tomorrow", None),
            ("", None),
        ];
        for (text, expected) in cases {
            let read = text.parse::<Moment>().ok().map(|moment| moment.0.to_rfc3339());
            assert_eq!(read.as_deref(), expected, "{text}");
        }
    }
}
