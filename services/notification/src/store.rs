//! The tables.

pub mod account_mails;
pub mod appointments;
pub mod attempts;
pub mod contacts;
pub mod dead_addresses;
pub mod departments;
pub mod messages;
pub mod patients;
pub mod preferences;
pub mod push_subscriptions;
pub mod templates;
pub mod webhooks;

use diesel::result::Error as DieselError;
use hms_db::{Json, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A value as a document.
fn write_json<T: Serialize>(value: &T) -> Result<Json> {
    let json = serde_json::to_value(value).map_err(|error| DieselError::SerializationError(error.into()))?;
    Ok(Json(json))
}

/// The value of a document.
fn read_json<T: DeserializeOwned>(json: Json) -> Result<T> {
    Ok(serde_json::from_value(json.0).map_err(|error| DieselError::DeserializationError(error.into()))?)
}
