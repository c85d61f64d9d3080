//! Which service answers what: a table made from the list of services or from a file, checked as a whole, and
//! never changed afterwards. [`Routes`] holds the one that is in force and puts a new one in its place.

mod error;
mod file;
mod live;
mod notice;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::HeaderMap;

use crate::Upstream;
use crate::upstream::{Endpoint, MOST_ENDPOINTS};

pub use error::TableError;
pub use live::{Loaded, Routes, Source};

use file::{File, GroupEntry, RouteEntry, UpstreamEntry};
use notice::Notices;

/// The pages that the gateway answers itself below `/api`; no service can have a resource of that name.
pub const OWN: [&str; 3] = ["docs", "redoc", "schema"];

/// Below this segment every service answers for itself, under its name: `services/user/dead-letters`.
const BY_NAME: &str = "services";

/// The group of every route that names none.
pub const DEFAULT_GROUP: &str = "default";

/// Stands for any one segment in the prefix of a route.
const ANY: &str = "*";

/// The services and the routes to them.
#[derive(Debug, Clone, Default)]
pub struct RouteTable {
    /// Each with the route of what it answers under its name.
    upstreams: Vec<Arc<Route>>,
    /// The routes by their first segment, those with the longest prefix first.
    by_resource: foldhash::HashMap<String, Vec<Arc<Route>>>,
    groups: Vec<Arc<Group>>,
}

/// What the gateway knows of the requests whose path begins with one prefix.
#[derive(Debug, Clone)]
pub struct Route {
    /// The segments after `/api/v1/` that its paths begin with; `*` stands for any one.
    pub prefix: Arc<str>,
    /// The service that answers.
    pub upstream: Arc<Upstream>,
    /// The group whose limits hold, `default` unless the table says otherwise.
    pub group: Arc<str>,
    /// The largest body of a request, in bytes, where it is not the gateway's own limit.
    pub body_limit: Option<u64>,
    /// How long a stream may be silent, where it is not as with the service's others.
    pub stream_idle: Option<Duration>,
    notices: Notices,
}

/// Routes with the same limits.
#[derive(Debug, PartialEq, Eq)]
struct Group {
    name: Arc<str>,
    body_limit: Option<u64>,
}

impl Route {
    /// Adds what it says to those who should leave it.
    pub fn announce(&self, headers: &mut HeaderMap) {
        self.notices.announce(headers);
    }

    /// Whether a path begins with its prefix. The first segment is known to be the same.
    fn matches(&self, path: &str) -> bool {
        let mut segments = path.split('/').skip(1);
        self.prefix.split('/').skip(1).all(|wanted| {
            segments.next().is_some_and(|segment| wanted == segment || wanted == ANY && !segment.is_empty())
        })
    }

    fn depth(&self) -> usize {
        self.prefix.split('/').count()
    }
}

impl RouteTable {
    /// The table of a file, in TOML; the README beside this crate describes it.
    pub fn parse(text: &str) -> Result<Self, TableError> {
        Self::new(toml::from_str(text).map_err(|error| TableError::Syntax(error.to_string()))?)
    }

    /// The table of all services on this machine, their ports moved by `offset`.
    pub fn of_services(offset: u16) -> Result<Self, TableError> {
        Self::new(File::of_services(offset))
    }

    /// The same as a file, to begin with.
    pub fn default_file(offset: u16) -> Result<String, TableError> {
        let file = File::of_services(offset);
        toml::to_string_pretty(&file).map_err(|error| TableError::Syntax(error.to_string()))
    }

    fn new(file: File) -> Result<Self, TableError> {
        let mut table = Self::default();
        for entry in file.group {
            table.add_group(entry)?;
        }
        if table.group(DEFAULT_GROUP).is_none() {
            table.groups.push(Arc::new(Group { name: DEFAULT_GROUP.into(), body_limit: None }));
        }
        for entry in file.upstream {
            table.add_upstream(entry)?;
        }
        if table.upstreams.is_empty() {
            return Err(TableError::Empty);
        }
        for entry in file.route {
            table.add_route(&entry)?;
        }
        for routes in table.by_resource.values_mut() {
            // Of two with the same length, the one that names its segments is the closer one.
            routes.sort_by_key(|route| (std::cmp::Reverse(route.depth()), route.prefix.matches(ANY).count()));
        }
        Ok(table)
    }

    fn add_group(&mut self, entry: GroupEntry) -> Result<(), TableError> {
        let GroupEntry { name, body_limit } = entry;
        if !is_word(&name) || self.group(&name).is_some() {
            return Err(TableError::Group(name));
        }
        self.groups.push(Arc::new(Group { name: name.into(), body_limit }));
        Ok(())
    }

    fn add_upstream(&mut self, entry: UpstreamEntry) -> Result<(), TableError> {
        let UpstreamEntry { name, url, endpoints, resources, group, settings } = entry;
        if !is_word(&name) || self.upstream(&name).is_some() {
            return Err(TableError::Name(name));
        }
        settings.check().map_err(|reason| TableError::Settings { name: name.clone(), reason })?;
        let given = url.iter().map(|url| (url.as_str(), 1));
        let given: Vec<_> = given.chain(endpoints.iter().map(file::EndpointEntry::parts)).collect();
        let endpoints = endpoints_of(&name, &given)?;
        let upstream = Arc::new(Upstream::new(name.clone(), endpoints, settings));
        let by_name = self.route(&format!("{BY_NAME}/{name}"), &upstream, None)?;
        self.upstreams.push(Arc::new(by_name));
        for resource in resources {
            if !can_be_prefix(&resource) {
                return Err(TableError::Resource { name, resource });
            }
            self.insert(self.route(&resource, &upstream, group.as_deref())?)?;
        }
        Ok(())
    }

    fn add_route(&mut self, entry: &RouteEntry) -> Result<(), TableError> {
        let RouteEntry { prefix, upstream, group, stream_idle_ms, deprecation, sunset } = entry;
        if !can_be_prefix(prefix) {
            return Err(TableError::Prefix(prefix.clone()));
        }
        let unknown = || TableError::Unknown { prefix: prefix.clone(), upstream: upstream.clone() };
        let upstream = Arc::clone(self.upstream(upstream).ok_or_else(unknown)?);
        let notices = Notices::new(deprecation.as_ref(), sunset.as_ref());
        let notices = notices.map_err(|reason| TableError::Notice { prefix: prefix.clone(), reason })?;
        if *stream_idle_ms == Some(0) {
            let reason = "stream_idle_ms must be at least 1";
            return Err(TableError::Notice { prefix: prefix.clone(), reason });
        }
        let route = self.route(prefix, &upstream, group.as_deref())?;
        self.insert(Route { stream_idle: stream_idle_ms.map(Duration::from_millis), notices, ..route })
    }

    fn route(
        &self,
        prefix: &str,
        upstream: &Arc<Upstream>,
        group: Option<&str>,
    ) -> Result<Route, TableError> {
        let name = group.unwrap_or(DEFAULT_GROUP);
        let unknown = || TableError::UnknownGroup { prefix: prefix.to_owned(), group: name.to_owned() };
        let group = self.group(name).ok_or_else(unknown)?;
        Ok(Route {
            prefix: prefix.into(),
            upstream: Arc::clone(upstream),
            group: Arc::clone(&group.name),
            body_limit: group.body_limit,
            stream_idle: None,
            notices: Notices::default(),
        })
    }

    fn insert(&mut self, route: Route) -> Result<(), TableError> {
        let first = route.prefix.split('/').next().unwrap_or_default().to_owned();
        let routes = self.by_resource.entry(first).or_default();
        if let Some(known) = routes.iter().find(|known| known.prefix == route.prefix) {
            return Err(TableError::Claimed {
                resource: route.prefix.to_string(),
                first: known.upstream.name().to_owned(),
                second: route.upstream.name().to_owned(),
            });
        }
        routes.push(Arc::new(route));
        Ok(())
    }

    fn group(&self, name: &str) -> Option<&Arc<Group>> {
        self.groups.iter().find(|group| &*group.name == name)
    }

    fn upstream(&self, name: &str) -> Option<&Arc<Upstream>> {
        self.upstreams().find(|upstream| upstream.name() == name)
    }

    /// The route of a path, given from its resource on: `patients/me`, `services/user/dead-letters`.
    pub fn find(&self, path: &str) -> Option<&Arc<Route>> {
        let mut segments = path.split('/');
        match segments.next()? {
            BY_NAME => {
                let name = segments.next()?;
                self.upstreams.iter().find(|route| route.upstream.name() == name)
            }
            resource => self.by_resource.get(resource)?.iter().find(|route| route.matches(path)),
        }
    }

    /// All services, in the order of the table.
    pub fn upstreams(&self) -> impl Iterator<Item = &Arc<Upstream>> {
        self.upstreams.iter().map(|route| &route.upstream)
    }

    /// All routes, by their prefix.
    pub fn routes(&self) -> Vec<&Arc<Route>> {
        let mut routes: Vec<_> = self.by_resource.values().flatten().collect();
        routes.sort_by(|one, other| one.prefix.cmp(&other.prefix));
        routes
    }

    /// The names of all groups.
    pub fn groups(&self) -> impl Iterator<Item = &str> {
        self.groups.iter().map(|group| &*group.name)
    }

    /// The largest body that any route takes, in bytes, where routes without a limit of their own take `own`.
    pub fn largest_body(&self, own: u64) -> u64 {
        self.groups.iter().filter_map(|group| group.body_limit).fold(own, u64::max)
    }

    /// The same table with what is known of the services, and of their endpoints, that were in the one `before`.
    fn continuing(self, before: &Self) -> Self {
        let upstreams: HashMap<String, Arc<Upstream>> = self
            .upstreams()
            .map(|upstream| {
                let after = match before.upstream(upstream.name()) {
                    Some(known) => Arc::new((**upstream).clone().continuing(known)),
                    None => Arc::clone(upstream),
                };
                (after.name().to_owned(), after)
            })
            .collect();
        let with_known = |route: &Arc<Route>| {
            let upstream = upstreams.get(route.upstream.name()).unwrap_or(&route.upstream);
            Arc::new(Route { upstream: Arc::clone(upstream), ..(**route).clone() })
        };
        let by_resource = self.by_resource.iter();
        let by_resource =
            by_resource.map(|(first, routes)| (first.clone(), routes.iter().map(with_known).collect()));
        Self {
            upstreams: self.upstreams.iter().map(with_known).collect(),
            by_resource: by_resource.collect(),
            groups: self.groups.clone(),
        }
    }
}

fn endpoints_of(name: &str, given: &[(&str, u32)]) -> Result<Vec<Endpoint>, TableError> {
    let refused = |url: &str, reason| TableError::Url { name: name.to_owned(), url: url.to_owned(), reason };
    if given.is_empty() || given.len() > MOST_ENDPOINTS {
        return Err(TableError::Endpoints(name.to_owned()));
    }
    let mut endpoints: Vec<Endpoint> = Vec::with_capacity(given.len());
    for &(url, weight) in given {
        if !(1..=1_000).contains(&weight) {
            return Err(refused(url, "must have a weight from 1 to 1000"));
        }
        let endpoint = Endpoint::new(url, weight).map_err(|reason| refused(url, reason))?;
        if endpoints.iter().any(|known| known.address == endpoint.address) {
            return Err(refused(url, "is named twice"));
        }
        endpoints.push(endpoint);
    }
    Ok(endpoints)
}

/// Lower-case letters, digits and hyphens, with a letter first.
fn is_word(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    text.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase()) && text.bytes().all(inner)
}

fn can_be_resource(resource: &str) -> bool {
    // `v1` and its like are versions.
    let version =
        resource.strip_prefix('v').is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()));
    is_word(resource) && !version && !OWN.contains(&resource) && resource != BY_NAME
}

/// A resource, and what follows it: words, files such as `calendar.ics`, or any one segment.
fn can_be_prefix(prefix: &str) -> bool {
    let mut segments = prefix.split('/');
    can_be_resource(segments.next().unwrap_or_default())
        && segments.all(|segment| segment == ANY || segment.split('.').all(is_word))
}

#[cfg(test)]
mod tests;
