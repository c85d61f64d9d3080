//! The gateway: the only door to HMS. It asks who comes, refuses what is malformed, finds the service that
//! answers, and passes request and answer through as streams.
//!
//! `door` leads from a connection to the phases. A request goes through a row of them over one `context`; `phases`
//! shows the row, and each phase is a file of its own below it. `upstream` is the way to the services, `table` says which service answers
//! what, and `own` holds the few pages that the gateway answers itself.

mod access_log;
pub mod command;
mod config;
mod connections;
mod context;
mod door;
mod edge;
mod identity;
mod limit;
mod meter;
mod own;
mod pace;
mod phases;
mod proxies;
mod server;
mod table;
mod tls;
mod trace;
mod upstream;

pub use access_log::AccessLog;
pub use config::{Config, Limits};
pub use connections::Clients;
pub use edge::{Edge, Heads, Tls};
pub use identity::Auth;
pub use limit::RateLimits;
pub use pace::Pace;
pub use phases::cors::Cors;
pub use proxies::{ForwardedHeader, Proxies};
pub use server::{Running, start};
pub use table::{Loaded, Route, RouteTable, Routes, Source, TableError};
pub use tls::CertificateFiles;
pub use upstream::Upstream;
