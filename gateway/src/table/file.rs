//! The table as it stands in its file, in TOML. Each name that is not known is an error, so that a slip of the
//! pen does not go unseen.

use hms_model::service::SERVICES;
use serde::{Deserialize, Serialize};

use crate::upstream::Settings;

/// The whole file.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// The groups that routes belong to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub group: Vec<GroupEntry>,
    /// The services.
    #[serde(default)]
    pub upstream: Vec<UpstreamEntry>,
    /// Routes beside the resources of the services.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub route: Vec<RouteEntry>,
}

/// What holds for all routes of a group.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct GroupEntry {
    /// Its name, by which rate limits know it.
    pub name: String,
    /// The largest body of a request, in bytes, where it is not the gateway's own limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_limit: Option<u64>,
}

/// A service.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct UpstreamEntry {
    /// Its own name; `services/<name>/…` finds the way by it.
    pub name: String,
    /// Where it is, if it has one endpoint of weight 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Where it is, if it has several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub endpoints: Vec<EndpointEntry>,
    /// The first segments of the paths that it answers.
    #[serde(default)]
    pub resources: Vec<String>,
    /// The group of these resources.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// How the gateway deals with it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub settings: Settings,
}

/// One of several endpoints: its URL, or its URL and its weight.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(untagged)]
pub enum EndpointEntry {
    /// Of weight 1.
    Url(String),
    /// Of another weight.
    Weighted(Weighted),
}

/// An endpoint with its weight.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Weighted {
    /// Where it is.
    pub url: String,
    /// Its part of the requests, beside the weights of the others.
    pub weight: u32,
}

/// A route of its own.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RouteEntry {
    /// The segments after `/api/v1/` that a path must begin with; `*` stands for any one segment.
    pub prefix: String,
    /// The name of the service that answers.
    pub upstream: String,
    /// Its group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// How long an event stream or a WebSocket may be silent, where it is not as with the service's others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream_idle_ms: Option<u64>,
    /// Since when it should not be used any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deprecation: Option<NoticeEntry>,
    /// From when it will not answer any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sunset: Option<NoticeEntry>,
}

/// A date, and where clients read more about it.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct NoticeEntry {
    /// A day, which begins in UTC, or a time with its offset.
    pub date: toml::value::Datetime,
    /// A page for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
}

impl File {
    /// All services on this machine, their ports moved by `offset`.
    pub fn of_services(offset: u16) -> Self {
        let upstream = SERVICES.iter().map(|service| UpstreamEntry {
            name: service.name.to_owned(),
            url: Some(format!("http://127.0.0.1:{}", u32::from(service.port) + u32::from(offset))),
            endpoints: Vec::new(),
            resources: service.resources.iter().map(|&resource| resource.to_owned()).collect(),
            group: None,
            settings: Settings::default(),
        });
        Self { upstream: upstream.collect(), ..Self::default() }
    }
}

impl EndpointEntry {
    /// Its URL and its weight.
    pub fn parts(&self) -> (&str, u32) {
        match self {
            Self::Url(url) => (url, 1),
            Self::Weighted(Weighted { url, weight }) => (url, *weight),
        }
    }
}

fn is_default(settings: &Settings) -> bool {
    *settings == Settings::default()
}
