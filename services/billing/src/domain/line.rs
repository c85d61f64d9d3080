//! The lines of an invoice, and what they come to.
//!
//! Each line is rounded for itself, half up away from zero, in this order: the price of the quantity, then the
//! discount on it, then the tax on what is left. The totals of the invoice are the sums of its lines; nothing is
//! rounded after that, so that the lines always sum to the total.

use hms_model::money::{Currency, Money, Quantity, Rate};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Description, Refusal, ServiceCode};

/// The most lines that one invoice has.
const MOST: usize = 500;

/// A line as it was asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct NewLine {
    /// The service of the catalogue.
    pub code: Option<ServiceCode>,
    /// What it is.
    pub description: Description,
    /// How many.
    pub quantity: Quantity,
    /// The price of one.
    pub unit_price: Money,
    /// Taken off, as a share.
    pub discount_rate: Rate,
    /// Taken off, as an amount; beside the share, after it.
    pub discount_amount: i64,
    /// The tax on what is left.
    pub tax_rate: Rate,
}

/// A line with what it comes to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Line {
    /// The service of the catalogue.
    pub code: Option<ServiceCode>,
    /// What it is.
    pub description: Description,
    /// How many.
    pub quantity: Quantity,
    /// The price of one, without tax.
    pub unit_price: Money,
    /// Taken off.
    pub discount: Money,
    /// Quantity times price, less the discount.
    pub net: Money,
    /// The tax on it, in millionths.
    pub tax_rate: Rate,
    /// The tax on it.
    pub tax: Money,
    /// With the tax.
    pub total: Money,
}

/// What lines come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Totals {
    /// Without tax.
    pub net: Money,
    /// The tax.
    pub tax: Money,
    /// With it.
    pub total: Money,
}

impl NewLine {
    /// Works the line out.
    pub fn price(self, currency: Currency) -> Result<Line, Refusal> {
        if self.unit_price.amount < 0 {
            return Err(Refusal::Line("a price must not be negative"));
        }
        let gross = self.unit_price.times(self.quantity)?;
        let share = gross.share(self.discount_rate)?;
        if self.discount_amount < 0 {
            return Err(Refusal::Line("a discount must not be negative"));
        }
        let discount = share.plus(Money::new(self.discount_amount, currency))?;
        let net = gross.minus(discount)?;
        if net.amount < 0 {
            return Err(Refusal::Line("a discount must not be larger than the price"));
        }
        let tax = net.share(self.tax_rate)?;
        Ok(Line {
            code: self.code,
            description: self.description,
            quantity: self.quantity,
            unit_price: self.unit_price,
            discount,
            net,
            tax_rate: self.tax_rate,
            tax,
            total: net.plus(tax)?,
        })
    }
}

impl Totals {
    /// The sums of these lines.
    pub fn of(lines: &[Line], currency: Currency) -> Result<Self, Refusal> {
        Ok(Self {
            net: Money::sum(currency, lines.iter().map(|line| line.net))?,
            tax: Money::sum(currency, lines.iter().map(|line| line.tax))?,
            total: Money::sum(currency, lines.iter().map(|line| line.total))?,
        })
    }
}

/// Works all lines of an invoice out.
pub(super) fn price_all(lines: Vec<NewLine>, currency: Currency) -> Result<Vec<Line>, Refusal> {
    if lines.len() > MOST {
        return Err(Refusal::TooManyLines);
    }
    lines.into_iter().map(|line| line.price(currency)).collect()
}
