//! The settings, by the names that OpenTelemetry gives them.

use std::time::Duration;

use hms_settings::{SettingError, Settings};
use opentelemetry_sdk::trace::{Sampler, ShouldSample};
use percent_encoding::percent_decode_str;
use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const TRACES_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
const HEADERS: &str = "OTEL_EXPORTER_OTLP_HEADERS";
const PROTOCOL: &str = "OTEL_EXPORTER_OTLP_PROTOCOL";
const TIMEOUT: &str = "OTEL_EXPORTER_OTLP_TIMEOUT";
const RESOURCE: &str = "OTEL_RESOURCE_ATTRIBUTES";
const SAMPLER: &str = "OTEL_TRACES_SAMPLER";
const SAMPLER_ARG: &str = "OTEL_TRACES_SAMPLER_ARG";

/// Where spans go.
#[derive(Debug)]
pub(crate) struct Collector {
    pub url: Url,
    pub headers: HeaderMap,
    pub timeout: Duration,
}

impl Collector {
    /// None where no endpoint is set: then there are no spans.
    pub fn from_settings(settings: &Settings) -> Result<Option<Self>, SettingError> {
        if settings.parse_or("OTEL_SDK_DISABLED", false)? {
            return Ok(None);
        }
        let Some(url) = endpoint(settings)? else { return Ok(None) };
        if settings.get(PROTOCOL).is_some_and(|protocol| protocol != "http/protobuf") {
            return Err(SettingError::new(PROTOCOL, "only http/protobuf is spoken"));
        }
        let timeout = Duration::from_millis(settings.parse_or(TIMEOUT, 10_000)?);
        Ok(Some(Self { url, headers: headers(settings)?, timeout }))
    }
}

/// The address for traces as it is, or the one for all signals with the path that the standard gives to traces.
fn endpoint(settings: &Settings) -> Result<Option<Url>, SettingError> {
    let url = |name: &str, text: &str| {
        let url: Url = text.parse().map_err(|reason| SettingError::new(name, reason))?;
        match url.scheme() {
            "http" | "https" => Ok(url),
            _ => Err(SettingError::new(name, "must begin with http:// or https://")),
        }
    };
    if let Some(own) = settings.get(TRACES_ENDPOINT) {
        return url(TRACES_ENDPOINT, &own).map(Some);
    }
    let Some(base) = settings.get(ENDPOINT) else { return Ok(None) };
    url(ENDPOINT, &format!("{}/v1/traces", base.trim_end_matches('/'))).map(Some)
}

fn headers(settings: &Settings) -> Result<HeaderMap, SettingError> {
    let wrong = || SettingError::new(HEADERS, "must be name=value, with commas in between");
    let mut headers = HeaderMap::new();
    for (name, value) in pairs(settings, HEADERS)? {
        let name: HeaderName = name.parse().map_err(|_| wrong())?;
        let mut value = HeaderValue::from_str(&value).map_err(|_| wrong())?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Ok(headers)
}

/// What is to be said of the process beside its name, such as `deployment.environment.name=production`.
pub(crate) fn resource(settings: &Settings) -> Result<Vec<(String, String)>, SettingError> {
    pairs(settings, RESOURCE)
}

fn pairs(settings: &Settings, name: &str) -> Result<Vec<(String, String)>, SettingError> {
    let text = settings.get(name).unwrap_or_default();
    let pairs = text.split(',').map(str::trim).filter(|pair| !pair.is_empty()).map(|pair| {
        let (key, value) = pair.split_once('=')?;
        let value = percent_decode_str(value.trim()).decode_utf8().ok()?;
        Some((key.trim().to_owned(), value.into_owned()))
    });
    let pairs: Option<Vec<_>> = pairs.collect();
    pairs.ok_or_else(|| SettingError::new(name, "must be name=value, with commas in between"))
}

/// Which traces are kept: `OTEL_TRACES_SAMPLER` and `OTEL_TRACES_SAMPLER_ARG`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sampling {
    parent_based: bool,
    ratio: f64,
}

impl Default for Sampling {
    fn default() -> Self {
        Self { parent_based: true, ratio: 1.0 }
    }
}

impl Sampling {
    /// By default `parentbased_always_on`: whoever began the trace decides, and of those that begin here all are kept.
    pub fn from_settings(settings: &Settings) -> Result<Self, SettingError> {
        let given = settings.parse_or(SAMPLER_ARG, 1.0)?;
        if !(0.0..=1.0).contains(&given) {
            return Err(SettingError::new(SAMPLER_ARG, "must be 0 to 1"));
        }
        let name = settings.get(SAMPLER).unwrap_or_else(|| "parentbased_always_on".to_owned());
        let (parent_based, root) = match name.strip_prefix("parentbased_") {
            Some(root) => (true, root),
            None => (false, name.as_str()),
        };
        let ratio = match root {
            "always_on" => 1.0,
            "always_off" => 0.0,
            "traceidratio" => given,
            _ => {
                let known =
                    "must be always_on, always_off or traceidratio, or one of them after parentbased_";
                return Err(SettingError::new(SAMPLER, known));
            }
        };
        Ok(Self { parent_based, ratio })
    }

    /// What part of the traces that begin here is kept, from 0 to 1.
    pub fn ratio(&self) -> f64 {
        self.ratio
    }

    pub(crate) fn sampler(self) -> Box<dyn ShouldSample> {
        let root = Sampler::TraceIdRatioBased(self.ratio);
        match self.parent_based {
            true => Box::new(Sampler::ParentBased(Box::new(root))),
            false => Box::new(root),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collector<const N: usize>(pairs: [(&str, &str); N]) -> Result<Option<Collector>, SettingError> {
        Collector::from_settings(&Settings::from_pairs(pairs))
    }

    #[test]
    fn without_an_endpoint_there_is_no_collector() {
        assert!(collector([]).unwrap().is_none());
        assert!(collector([(ENDPOINT, "http://c:4318"), ("OTEL_SDK_DISABLED", "true")]).unwrap().is_none());
    }

    #[test]
    fn an_endpoint_for_all_signals_gets_the_path_of_traces() {
        let url = |pairs: [(&str, &str); 2]| collector(pairs).unwrap().unwrap().url.to_string();
        assert_eq!(url([(ENDPOINT, "http://c:4318"), ("A", "")]), "http://c:4318/v1/traces");
        assert_eq!(url([(ENDPOINT, "https://c/otlp/"), ("A", "")]), "https://c/otlp/v1/traces");
        assert_eq!(url([(ENDPOINT, "http://c:4318"), (TRACES_ENDPOINT, "http://t/x")]), "http://t/x");
    }

    #[test]
    fn headers_are_decoded_and_not_shown() {
        let given =
            collector([(ENDPOINT, "http://c"), (HEADERS, "x-key=a%20b, Authorization=Bearer%20s3cret")]);
        let given = given.unwrap().unwrap();
        assert_eq!(given.headers["x-key"], "a b");
        assert_eq!(given.headers["authorization"], "Bearer s3cret");
        assert!(!format!("{given:?}").contains("s3cret"));
    }

    #[test]
    fn samplers_have_the_names_of_the_standard() {
        let sampling = |pairs: &[(&str, &str)]| {
            Sampling::from_settings(&Settings::default().with(pairs.iter().copied()))
        };
        let of = |parent_based, ratio| Sampling { parent_based, ratio };
        assert_eq!(sampling(&[]).unwrap(), of(true, 1.0));
        assert_eq!(sampling(&[(SAMPLER, "always_off")]).unwrap(), of(false, 0.0));
        let ratio = [(SAMPLER, "parentbased_traceidratio"), (SAMPLER_ARG, "0.25")];
        assert_eq!(sampling(&ratio).unwrap(), of(true, 0.25));
        for (name, value) in [(SAMPLER, "sometimes"), (SAMPLER_ARG, "2"), (SAMPLER_ARG, "half")] {
            assert_eq!(sampling(&[(name, value)]).unwrap_err().name, name);
        }
    }

    #[test]
    fn a_wrong_setting_is_named() {
        for (name, value) in [(ENDPOINT, "c:4318"), (PROTOCOL, "grpc"), (HEADERS, "key"), (TIMEOUT, "soon")] {
            let error =
                collector([(ENDPOINT, if name == ENDPOINT { value } else { "http://c" }), (name, value)]);
            assert_eq!(error.unwrap_err().name, name);
        }
    }
}
