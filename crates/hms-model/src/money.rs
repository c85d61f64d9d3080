//! Money: integer minor units with an ISO 4217 code, checked arithmetic, no float anywhere.
//!
//! **Rounding.** Where a share of an amount does not come out even, it is rounded half up, away from zero
//! (commercial rounding): 0.5 becomes 1, -0.5 becomes -1. Where an amount is split, nothing is rounded: the parts
//! always sum to the whole ([`Money::allocate`], by largest remainder).

mod currency;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use currency::{Currency, UnknownCurrency};

/// One whole in the millionths of a [`Rate`].
const WHOLE: i128 = 1_000_000;
/// One whole in the thousandths of a [`Quantity`].
const UNIT: i128 = 1_000;

/// An amount in the minor units of a currency: 1250 EUR is 12.50 euros, 1250 JPY is 1250 yen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Money {
    /// In minor units.
    #[schema(examples(1250))]
    pub amount: i64,
    /// The currency (ISO 4217).
    pub currency: Currency,
}

/// Why a calculation with money has no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// The result does not fit.
    #[error("the amount is too large")]
    Overflow,
    /// Amounts of two currencies have no sum.
    #[error("the currencies differ: {0} and {1}")]
    Mixed(Currency, Currency),
    /// Nothing to split by: no parts, or all of them nothing.
    #[error("there is nothing to split by")]
    NoParts,
    /// The text is no amount of this currency.
    #[error("must be an amount such as 12.50, with no more decimals than the currency has")]
    Unreadable,
}

/// A share in millionths: 190000 is 19 %. From 0 to 1000000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "i64")]
pub struct Rate(i64);

/// How many of something, in thousandths; as text a decimal such as `1.5`. More than 0, at most 1000000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Quantity(i64);

impl Money {
    /// This many minor units.
    pub const fn new(amount: i64, currency: Currency) -> Self {
        Self { amount, currency }
    }

    /// None of it.
    pub const fn zero(currency: Currency) -> Self {
        Self::new(0, currency)
    }

    /// Whether there is none.
    pub const fn is_zero(self) -> bool {
        self.amount == 0
    }

    /// The sum, where both are of one currency and it fits.
    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        self.same(other)?;
        self.of(self.amount.checked_add(other.amount))
    }

    /// The difference, where both are of one currency and it fits.
    pub fn minus(self, other: Self) -> Result<Self, MoneyError> {
        self.same(other)?;
        self.of(self.amount.checked_sub(other.amount))
    }

    /// The same amount the other way.
    pub fn negated(self) -> Result<Self, MoneyError> {
        self.of(self.amount.checked_neg())
    }

    /// The smaller of two amounts of one currency.
    pub fn least(self, other: Self) -> Result<Self, MoneyError> {
        self.same(other)?;
        Ok(if other.amount < self.amount { other } else { self })
    }

    /// The sum of many; nothing where there are none.
    pub fn sum(currency: Currency, all: impl IntoIterator<Item = Self>) -> Result<Self, MoneyError> {
        all.into_iter().try_fold(Self::zero(currency), Self::plus)
    }

    /// This share of it, rounded half up.
    pub fn share(self, rate: Rate) -> Result<Self, MoneyError> {
        self.scaled(rate.0.into(), WHOLE)
    }

    /// The price of so many, rounded half up.
    pub fn times(self, quantity: Quantity) -> Result<Self, MoneyError> {
        self.scaled(quantity.0.into(), UNIT)
    }

    /// Splits it by weights: each part is its share cut off, and the minor units that are left go one each to the
    /// largest remainders, the first of equals first. The parts sum to the whole.
    pub fn allocate(self, weights: &[u64]) -> Result<Vec<Self>, MoneyError> {
        let total: i128 = weights.iter().map(|weight| i128::from(*weight)).sum();
        if total == 0 {
            return Err(MoneyError::NoParts);
        }
        let whole = i128::from(self.amount);
        let shares: Vec<(i128, i128)> = weights
            .iter()
            .map(|weight| {
                let product = whole.checked_mul(i128::from(*weight)).ok_or(MoneyError::Overflow)?;
                Ok((product / total, (product % total).abs()))
            })
            .collect::<Result<_, MoneyError>>()?;
        let cut: i128 = shares.iter().map(|(part, _)| part).sum();
        let mut left = (whole - cut).unsigned_abs();
        let mut by_remainder: Vec<usize> = (0..shares.len()).collect();
        by_remainder.sort_by_key(|index| shares.get(*index).map(|(_, remainder)| -remainder));
        let mut parts: Vec<i128> = shares.into_iter().map(|(part, _)| part).collect();
        for index in by_remainder {
            if left == 0 {
                break;
            }
            if let Some(part) = parts.get_mut(index) {
                *part += whole.signum();
                left -= 1;
            }
        }
        parts.into_iter().map(|part| self.of(i64::try_from(part).ok())).collect()
    }

    /// As people write it in tables: `-12.50`, with as many decimals as the currency has and no separators.
    pub fn decimal(self) -> String {
        let digits = usize::from(self.currency.exponent());
        let sign = if self.amount < 0 { "-" } else { "" };
        let text = format!("{:0>width$}", self.amount.unsigned_abs(), width = digits + 1);
        let (major, minor) = text.split_at(text.len() - digits);
        if minor.is_empty() { format!("{sign}{major}") } else { format!("{sign}{major}.{minor}") }
    }

    /// Reads what [`Money::decimal`] writes; fewer decimals than the currency has are as good.
    pub fn parse_decimal(text: &str, currency: Currency) -> Result<Self, MoneyError> {
        let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (major, minor) = digits.split_once('.').map_or((digits, ""), |parts| parts);
        let places = usize::from(currency.exponent());
        let right = !major.is_empty()
            && minor.len() <= places
            && (!digits.contains('.') || !minor.is_empty())
            && major.bytes().chain(minor.bytes()).all(|byte| byte.is_ascii_digit());
        if !right {
            return Err(MoneyError::Unreadable);
        }
        let amount: i64 = format!("{major}{minor:0<places$}").parse().map_err(|_| MoneyError::Overflow)?;
        Ok(Self::new(if negative { -amount } else { amount }, currency))
    }

    fn scaled(self, by: i128, of: i128) -> Result<Self, MoneyError> {
        let product = i128::from(self.amount).checked_mul(by).ok_or(MoneyError::Overflow)?;
        let half = of / 2 * product.signum();
        self.of(i64::try_from((product + half) / of).ok())
    }

    fn same(self, other: Self) -> Result<(), MoneyError> {
        if self.currency == other.currency {
            Ok(())
        } else {
            Err(MoneyError::Mixed(self.currency, other.currency))
        }
    }

    fn of(self, amount: Option<i64>) -> Result<Self, MoneyError> {
        amount.map(|amount| Self { amount, ..self }).ok_or(MoneyError::Overflow)
    }
}

impl Rate {
    /// Nothing of it.
    pub const ZERO: Self = Self(0);

    /// In millionths.
    pub const fn millionths(self) -> i64 {
        self.0
    }
}

impl TryFrom<i64> for Rate {
    type Error = crate::Invalid;
    fn try_from(millionths: i64) -> Result<Self, crate::Invalid> {
        if (0..=1_000_000).contains(&millionths) {
            Ok(Self(millionths))
        } else {
            Err(crate::Invalid("must be in millionths, from 0 to 1000000".into()))
        }
    }
}

impl From<Rate> for i64 {
    fn from(rate: Rate) -> i64 {
        rate.0
    }
}

impl Quantity {
    /// One.
    pub const ONE: Self = Self(1_000);

    /// In thousandths.
    pub const fn thousandths(self) -> i64 {
        self.0
    }
}

impl TryFrom<String> for Quantity {
    type Error = crate::Invalid;
    fn try_from(text: String) -> Result<Self, crate::Invalid> {
        let wrong = || crate::Invalid("must be a decimal such as 1.5, of at most three decimals".into());
        let (whole, part) = text.split_once('.').unwrap_or((&text, "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(part) || part.len() > 3 || whole.len() > 7 {
            return Err(wrong());
        }
        let thousandths: i64 = format!("{whole}{part:0<3}").parse().map_err(|_| wrong())?;
        if (1..=1_000_000_000).contains(&thousandths) {
            Ok(Self(thousandths))
        } else {
            Err(crate::Invalid("must be more than 0 and at most 1000000".into()))
        }
    }
}

impl From<Quantity> for String {
    fn from(quantity: Quantity) -> String {
        quantity.to_string()
    }
}

impl std::fmt::Display for Quantity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (whole, part) = (self.0 / 1_000, self.0 % 1_000);
        if part == 0 {
            return write!(f, "{whole}");
        }
        write!(f, "{whole}.{}", format!("{part:03}").trim_end_matches('0'))
    }
}

macro_rules! described {
    ($name:ident: $kind:ident, $about:literal, $example:expr) => {
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::Type::$kind)
                    .description(Some($about))
                    .examples([$example])
                    .into()
            }
        }
        impl ToSchema for $name {
            fn name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
        }
    };
}
described!(Rate: Integer, "A share in millionths, 0 to 1000000: 190000 is 19 %.", 190_000);
described!(Quantity: String, "A decimal of at most three decimals, more than 0, at most 1000000.", "1.5");
