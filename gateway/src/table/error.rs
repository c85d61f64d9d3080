//! Why a table of routes cannot be used.

/// Why a table of routes cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// It is not TOML, or has other fields.
    #[error("{0}")]
    Syntax(String),
    /// The file cannot be read.
    #[error("{path}: {reason}")]
    Unreadable {
        /// Which file.
        path: String,
        /// What the system says.
        reason: String,
    },
    /// There is no service in it.
    #[error("there is no [[upstream]]")]
    Empty,
    /// The name cannot be one, or two services have it.
    #[error(
        "upstream {0:?}: the name must be lower-case letters, digits and hyphens, and there must be one of it"
    )]
    Name(String),
    /// The name cannot be one, or two groups have it.
    #[error(
        "group {0:?}: the name must be lower-case letters, digits and hyphens, and there must be one of it"
    )]
    Group(String),
    /// It has no endpoint, or too many.
    #[error("upstream {0:?}: there must be a url, or from 1 to 64 endpoints")]
    Endpoints(String),
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
    /// A setting of a service cannot be right.
    #[error("upstream {name:?}: settings.{reason}")]
    Settings {
        /// Whose setting it is.
        name: String,
        /// What is wrong.
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
    /// The prefix cannot be the beginning of a path of the API.
    #[error(
        "route {0:?}: the prefix must be a resource, and then segments of lower-case letters, digits and hyphens, or `*`"
    )]
    Prefix(String),
    /// The route names a service that is not in the table.
    #[error("route {prefix:?}: there is no upstream {upstream:?}")]
    Unknown {
        /// The prefix of the route.
        prefix: String,
        /// The name that is not there.
        upstream: String,
    },
    /// The route names a group that is not in the table.
    #[error("route {prefix:?}: there is no group {group:?}")]
    UnknownGroup {
        /// The prefix of the route.
        prefix: String,
        /// The name that is not there.
        group: String,
    },
    /// A date or another setting of a route cannot be right.
    #[error("route {prefix:?}: {reason}")]
    Notice {
        /// The prefix of the route.
        prefix: String,
        /// What is wrong.
        reason: &'static str,
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
