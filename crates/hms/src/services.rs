//! The services that this command can run, from the one list in `hms_model::service`.

use futures_util::future::BoxFuture;
use hms_bus::InProcess;
use hms_db::Migrations;
use hms_model::with_services;
use hms_service::Running;
use hms_settings::Settings;
use pastey::paste;
use utoipa::openapi::OpenApi;

type Start = fn(Settings, InProcess) -> BoxFuture<'static, anyhow::Result<Running>>;

/// What can be done with a service without knowing its type.
pub(crate) struct Entry {
    /// Its name.
    pub name: &'static str,
    /// Starts it within the platform.
    pub start: Start,
    /// Its OpenAPI document.
    pub document: fn() -> OpenApi,
    /// Its tables.
    pub migrations: fn() -> Migrations,
}

macro_rules! entries {
    ($($name:ident $port:literal [$($resource:literal),* $(,)?]),+ $(,)?) => {
        paste! {
            &[$(Entry {
                name: stringify!($name),
                start: crate::up::start::<[<hms_ $name>]::Service>,
                document: hms_service::document::<[<hms_ $name>]::Service>,
                migrations: hms_service::all_migrations::<[<hms_ $name>]::Service>,
            }),+]
        }
    };
}

/// Every service of the list.
pub(crate) const ENTRIES: &[Entry] = with_services!(entries);
