//! Which service answers what: a table made once at the start, from the list of services or from a file.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use hms_model::service::SERVICES;
use serde::Deserialize;

use crate::Upstream;

/// The pages that the gateway answers itself below `/api`; no service can have a resource of that name.
pub const OWN: [&str; 3] = ["docs", "redoc", "schema"];

/// Below this segment every service answers for itself, under its name: `services/user/dead-letters`.
const BY_NAME: &str = "services";

/// The group of every route that names none.
pub const DEFAULT_GROUP: &str = "default";

/// The services and the resources that each of them answers.
#[derive(Debug, Clone)]
pub struct RouteTable {
    upstreams: Vec<Arc<Route>>,
    by_resource: HashMap<String, Arc<Route>>,
}

/// What the gateway knows of the requests of one resource.
#[derive(Debug, Clone)]
pub struct Route {
    /// The service that answers.
    pub upstream: Arc<Upstream>,
    /// The group whose limits hold, `default` unless the table says otherwise.
    pub group: Arc<str>,
}

/// Why a table of routes cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// It is not TOML, or has other fields.
    #[error("{0}")]
    Syntax(String),
    /// There is no service in it.
    #[error("there is no [[upstream]]")]
    Empty,
    /// Two services have one name.
    #[error("there are two upstreams with the name {0:?}")]
    Name(String),
    /// The address is not one that the gateway can use.
    #[error("upstream {name:?}: the url {url:?} {reason}")]
    Url {
        /// Whose address it is.
        name: String,
        /// The address.
        url: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The resource cannot be a path segment of the API.
    #[error(
        "upstream {name:?}: {resource:?} cannot be a resource: lower-case letters, digits and hyphens, and not one of docs, redoc, schema, services"
    )]
    Resource {
        /// Whose resource it is.
        name: String,
        /// The resource.
        resource: String,
    },
    /// Two services claim one resource.
    #[error("the resource {resource:?} is claimed by {first:?} and by {second:?}")]
    Claimed {
        /// The resource.
        resource: String,
        /// Who claims it.
        first: String,
        /// Who claims it too.
        second: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    upstream: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    url: String,
    resources: Vec<String>,
}

impl RouteTable {
    /// The table of a file, in TOML: `[[upstream]]` with `name`, `url` and `resources`.
    pub fn parse(text: &str) -> Result<Self, TableError> {
        let file: File = toml::from_str(text).map_err(|error| TableError::Syntax(error.to_string()))?;
        Self::new(file.upstream)
    }

    /// The table of all services on this machine, their ports moved by `offset`.
    pub fn of_services(offset: u16) -> Result<Self, TableError> {
        let entries = SERVICES.iter().map(|service| Entry {
            name: service.name.to_owned(),
            url: format!("http://127.0.0.1:{}", u32::from(service.port) + u32::from(offset)),
            resources: service.resources.iter().map(|&resource| resource.to_owned()).collect(),
        });
        Self::new(entries.collect())
    }

    fn new(entries: Vec<Entry>) -> Result<Self, TableError> {
        let mut table = Self { upstreams: Vec::new(), by_resource: HashMap::new() };
        let mut names = HashSet::new();
        for entry in entries {
            if !names.insert(entry.name.clone()) {
                return Err(TableError::Name(entry.name));
            }
            table.add(entry)?;
        }
        if table.upstreams.is_empty() { Err(TableError::Empty) } else { Ok(table) }
    }

    fn add(&mut self, entry: Entry) -> Result<(), TableError> {
        let Entry { name, url, resources } = entry;
        let upstream = Upstream::new(&name, &url);
        let upstream = upstream.map_err(|reason| TableError::Url { name: name.clone(), url, reason })?;
        let route = Arc::new(Route { upstream: Arc::new(upstream), group: DEFAULT_GROUP.into() });
        for resource in resources {
            if !can_be_resource(&resource) {
                return Err(TableError::Resource { name, resource });
            }
            if let Some(first) = self.by_resource.get(&resource) {
                let first = first.upstream.name().to_owned();
                return Err(TableError::Claimed { resource, first, second: name });
            }
            self.by_resource.insert(resource, Arc::clone(&route));
        }
        self.upstreams.push(route);
        Ok(())
    }

    /// The route of a path, given from its resource on: `patients/me`, `services/user/dead-letters`.
    pub fn find(&self, path: &str) -> Option<&Arc<Route>> {
        let mut segments = path.split('/');
        match segments.next()? {
            BY_NAME => {
                let name = segments.next()?;
                self.upstreams.iter().find(|route| route.upstream.name() == name)
            }
            resource => self.by_resource.get(resource),
        }
    }

    /// All services, in the order of the table.
    pub fn upstreams(&self) -> impl Iterator<Item = &Arc<Upstream>> {
        self.upstreams.iter().map(|route| &route.upstream)
    }
}

fn can_be_resource(resource: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_lowercase();
    let inner = |byte: u8| letter(byte) || byte.is_ascii_digit() || byte == b'-';
    // `v1` and its like are versions.
    let version =
        resource.strip_prefix('v').is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()));
    resource.bytes().next().is_some_and(letter)
        && resource.bytes().all(inner)
        && !version
        && !OWN.contains(&resource)
        && resource != BY_NAME
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_names_services_deployed_elsewhere() {
        let table = RouteTable::parse(
            r#"
            [[upstream]]
            name = "appointment"
            url = "http://appointment:8002"
            resources = ["appointments"]

            [[upstream]]
            name = "user"
            url = "http://[::1]/"
            resources = ["patients", "practitioners"]
            "#,
        )
        .unwrap();
        assert_eq!(table.find("appointments").unwrap().upstream.address(), "appointment:8002");
        assert_eq!(table.find("patients").unwrap().upstream.address(), "[::1]:80");
        assert_eq!(table.find("patients/7/visits").unwrap().upstream.name(), "user");
        assert_eq!(table.find("services/appointment/dead-letters").unwrap().upstream.name(), "appointment");
        for nothing in
            ["bookings", "services", "services/", "services/patients", "services/auth/dead-letters"]
        {
            assert!(table.find(nothing).is_none(), "{nothing}");
        }
        assert_eq!(table.upstreams().count(), 2);
    }

    #[test]
    fn the_list_of_services_makes_a_table() {
        let table = RouteTable::of_services(0).unwrap();
        assert_eq!(table.upstreams().count(), SERVICES.len());
    }

    #[test]
    fn a_table_that_cannot_be_right_is_refused_with_the_reason() {
        let entry = |name: &str, url: &str, resource: &str| {
            format!("[[upstream]]\nname = {name:?}\nurl = {url:?}\nresources = [{resource:?}]\n")
        };
        let good = entry("user", "http://user:8001", "patients");
        let cases = [
            (String::new(), "there is no [[upstream]]"),
            ("[[upstreams]]".into(), "unknown field `upstreams`"),
            (format!("{good}timeout = 3"), "unknown field `timeout`"),
            (format!("{good}{}", entry("user", "http://b", "b")), r#"two upstreams with the name "user""#),
            (
                format!("{good}{}", entry("other", "http://b", "patients")),
                r#""patients" is claimed by "user" and by "other""#,
            ),
            (entry("user", "user:8001", "patients"), "must begin with http://"),
            (entry("user", "https://user", "patients"), "must begin with http://"),
            (entry("user", "http://", "patients"), "is not a URL"),
            (entry("user", "http://user:99999", "patients"), "is not a URL"),
            (entry("user", "http://user/api", "patients"), "must end after host and port"),
            (entry("user", "http://user?a=1", "patients"), "must end after host and port"),
            (entry("user", "http://me:pw@user", "patients"), "must not hold a user"),
            (entry("user", "http://user", "Patients"), "cannot be a resource"),
            (entry("user", "http://user", "a/b"), "cannot be a resource"),
            (entry("user", "http://user", ""), "cannot be a resource"),
            (entry("user", "http://user", "docs"), "cannot be a resource"),
            (entry("user", "http://user", "v2"), "cannot be a resource"),
            (entry("user", "http://user", "services"), "cannot be a resource"),
        ];
        for (text, reason) in cases {
            let error = RouteTable::parse(&text).expect_err(&text).to_string();
            assert!(error.contains(reason), "{text}\n{error}");
        }
    }
}
