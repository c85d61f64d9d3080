//! What a route says to those who should leave it: `Deprecation` (RFC 9745), `Sunset` (RFC 8594), and `Link` to
//! the pages that say more.

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue, LINK};
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use toml::value::Datetime;

use super::file::NoticeEntry;

const DEPRECATION: HeaderName = HeaderName::from_static("deprecation");
const SUNSET: HeaderName = HeaderName::from_static("sunset");

/// The headers of a route that goes away; none for the others.
#[derive(Debug, Clone, Default)]
pub struct Notices(Vec<(HeaderName, HeaderValue)>);

impl Notices {
    /// The headers for these dates. RFC 9745 wants no sunset before the deprecation.
    pub fn new(
        deprecation: Option<&NoticeEntry>,
        sunset: Option<&NoticeEntry>,
    ) -> Result<Self, &'static str> {
        let since = deprecation.map(|notice| time(notice.date)).transpose()?;
        let until = sunset.map(|notice| time(notice.date)).transpose()?;
        if since.zip(until).is_some_and(|(since, until)| until < since) {
            return Err("the sunset must not be before the deprecation");
        }
        let mut headers = Vec::new();
        if let Some(since) = since {
            headers.push((DEPRECATION, value(&format!("@{}", since.timestamp()))?));
        }
        if let Some(until) = until {
            headers.push((SUNSET, value(&until.format("%a, %d %b %Y %H:%M:%S GMT").to_string())?));
        }
        for (relation, notice) in [("deprecation", deprecation), ("sunset", sunset)] {
            if let Some(link) = notice.and_then(|notice| notice.link.as_deref()) {
                url::Url::parse(link).map_err(|_| "the link is not a URL")?;
                headers.push((LINK, value(&format!("<{link}>; rel=\"{relation}\"; type=\"text/html\""))?));
            }
        }
        Ok(Self(headers))
    }

    /// Adds them to an answer.
    pub fn announce(&self, headers: &mut HeaderMap) {
        for (name, value) in &self.0 {
            headers.append(name.clone(), value.clone());
        }
    }
}

fn value(text: &str) -> Result<HeaderValue, &'static str> {
    HeaderValue::from_str(text).map_err(|_| "the link cannot stand in a header")
}

fn time(date: Datetime) -> Result<DateTime<Utc>, &'static str> {
    const REASON: &str = "the date must be a day, or a time with its offset from UTC";
    let text = date.to_string();
    if let Ok(day) = text.parse::<NaiveDate>() {
        return Ok(day.and_time(NaiveTime::MIN).and_utc());
    }
    DateTime::parse_from_rfc3339(&text).map(|time| time.to_utc()).map_err(|_| REASON)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(date: &str, link: Option<&str>) -> NoticeEntry {
        NoticeEntry { date: date.parse().unwrap(), link: link.map(str::to_owned) }
    }

    fn headers(deprecation: Option<NoticeEntry>, sunset: Option<NoticeEntry>) -> Vec<String> {
        let mut headers = HeaderMap::new();
        Notices::new(deprecation.as_ref(), sunset.as_ref()).unwrap().announce(&mut headers);
        let mut lines: Vec<_> =
            headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
        lines.sort();
        lines
    }

    #[test]
    fn dates_and_links_become_headers() {
        assert_eq!(headers(None, None), [""; 0]);
        // The dates are those of the examples in the RFCs.
        let deprecation = entry("2023-06-30T23:59:59Z", Some("https://hms.example/old"));
        let sunset = entry("2024-06-30T23:59:59Z", None);
        assert_eq!(
            headers(Some(deprecation), Some(sunset)),
            [
                "deprecation: @1688169599",
                "link: <https://hms.example/old>; rel=\"deprecation\"; type=\"text/html\"",
                "sunset: Sun, 30 Jun 2024 23:59:59 GMT",
            ]
        );
        assert_eq!(headers(None, Some(entry("2018-12-31", None))), ["sunset: Mon, 31 Dec 2018 00:00:00 GMT"]);
        assert_eq!(headers(Some(entry("1970-01-01T01:00:01+01:00", None)), None), ["deprecation: @1"]);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let late = entry("2024-01-02", None);
        for (deprecation, sunset, reason) in [
            (late, Some(entry("2024-01-01", None)), "before the deprecation"),
            (entry("2024-01-02T10:00:00", None), None, "offset"),
            (entry("10:00:00", None), None, "offset"),
            (entry("2024-01-02", Some("old.html")), None, "not a URL"),
        ] {
            let error = Notices::new(Some(&deprecation), sunset.as_ref()).unwrap_err();
            assert!(error.contains(reason), "{error}");
        }
    }
}
