//! `/api/v1/accounting/periods`.

pub mod close;
pub mod list;

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use utoipa::ToSchema;

/// A month that is closed, and with it all before it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Period {
    /// The month: `2026-03`.
    month: String,
    /// Its last day; nothing is booked on it or before it any more.
    last_day: NaiveDate,
    /// When it was closed.
    closed_at: DateTime<Utc>,
}
