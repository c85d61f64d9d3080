//! A service as programs know it.

use futures_util::future::BoxFuture;
use hms_db::Migrations;
use hms_settings::Settings;
use utoipa::openapi::OpenApi;

use crate::{Running, Service, Wiring, server};

/// What programs do with a service. It has no type parameter: a service that keeps its own in a `static` is compiled with its
/// library, server and all, and not once more with each program that it is a part of.
pub struct Program {
    /// Its name.
    pub name: &'static str,
    /// Starts it; see [`start`](crate::start()).
    pub start: fn(Settings, Wiring) -> BoxFuture<'static, anyhow::Result<Running>>,
    /// Its OpenAPI document.
    pub document: fn() -> OpenApi,
    /// Its tables.
    pub migrations: fn() -> Migrations,
}

impl Program {
    /// That of a service.
    pub const fn of<S: Service>() -> Self {
        Self {
            name: S::NAME,
            start: |settings, wiring| Box::pin(async move { server::start::<S>(&settings, wiring).await }),
            document: server::document::<S>,
            migrations: server::all_migrations::<S>,
        }
    }
}
