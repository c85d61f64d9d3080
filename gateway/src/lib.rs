//! The gateway: the only door to HMS. It asks who comes, refuses what is malformed, finds the service that
//! answers, and passes request and answer through as streams.
//!
//! A request goes through a row of phases over one `context`; `phases` shows the row, and each phase is a
//! file of its own below it. `upstream` is the way to the services, `table` says which service answers
//! what, and `own` holds the few pages that the gateway answers itself.

pub mod command;
mod config;
mod context;
mod edge;
mod own;
mod phases;
mod proxies;
mod server;
mod table;
mod upstream;

pub use config::{Config, Limits};
pub use edge::Edge;
pub use proxies::{ForwardedHeader, Proxies};
pub use server::{Running, start};
pub use table::{Loaded, Route, RouteTable, Routes, Source, TableError};
pub use upstream::Upstream;
