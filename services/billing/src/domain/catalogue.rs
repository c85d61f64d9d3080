//! What can be billed, and what it costs when.

use chrono::{DateTime, NaiveDate, Utc};
use hms_model::id::CatalogueItemId;
use hms_model::money::{Currency, Money, Rate};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Description, ServiceCode};

/// Something that can be billed.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Item {
    /// Its id.
    pub id: CatalogueItemId,
    /// Its short name, which no other has.
    pub code: ServiceCode,
    /// Its name.
    pub name: Description,
    /// Whether it is offered at present.
    pub active: bool,
    /// Its prices, the latest first. None is ever changed: a new price begins on its day, and the one before ends.
    pub prices: Vec<Price>,
    /// Goes up with each change.
    pub version: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

/// What something costs from a day on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Price {
    /// The first day that it holds.
    pub valid_from: NaiveDate,
    /// The price of one, without tax.
    pub price: Money,
    /// The tax on it, in millionths.
    pub tax_rate: Rate,
}

/// The price that holds on a day in a currency: the one that began last.
pub fn price_at(prices: &[Price], on: NaiveDate, currency: Currency) -> Option<Price> {
    let begun = prices.iter().filter(|price| price.valid_from <= on && price.price.currency == currency);
    begun.max_by_key(|price| price.valid_from).copied()
}
