//! The figures as clients see them.

use std::collections::BTreeMap;

use hms_model::money::Currency;
use serde::Serialize;
use utoipa::ToSchema;

use super::facts::Status;

/// What is told of a day, of a week, or of several of them.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Figures {
    /// Appointments that begin within it.
    #[schema(examples(42))]
    pub appointments: i64,
    /// The same, by how they stand now; a status that none has is left out.
    #[schema(value_type = BTreeMap<String, i64>, example = json!({"booked": 3, "fulfilled": 34, "cancelled": 3, "noshow": 2}))]
    pub by_status: BTreeMap<Status, i64>,
    /// Those that were called off later than their type allows for.
    #[schema(examples(1))]
    pub late_cancellations: i64,
    /// No-shows among those that were to come: `noshow` over `noshow`, `arrived` and `fulfilled`. None where nobody was.
    #[schema(examples(0.0556))]
    pub no_show_rate: Option<f64>,
    /// How long people waited at the counter.
    pub waiting: Waiting,
    /// How many of them waited at the same time.
    pub queue: Queue,
    /// How much of the practitioners' time was booked.
    pub utilisation: Utilisation,
    /// Patients who were registered; null where it is asked for a department or a practitioner, of whom no patient is, or
    /// by a caller who may not see it.
    #[schema(examples(5))]
    pub new_patients: Option<i64>,
    /// Money, each currency by itself; null for a caller who may not see it.
    pub revenue: Option<Vec<Revenue>>,
}

/// How long people waited at the counter: from the ticket to the call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Waiting {
    /// Tickets that were given.
    #[schema(examples(38))]
    pub tickets: i64,
    /// Those that have been called: the waits that the others of these are made of.
    #[schema(examples(36))]
    pub called: i64,
    /// Those that were served.
    #[schema(examples(35))]
    pub served: i64,
    /// Those whose owners went away before.
    #[schema(examples(2))]
    pub left: i64,
    /// The mean wait.
    #[schema(examples(540))]
    pub mean_seconds: Option<i64>,
    /// Half of them waited no longer.
    #[schema(examples(480))]
    pub p50_seconds: Option<i64>,
    /// Nine of ten waited no longer.
    #[schema(examples(1260))]
    pub p90_seconds: Option<i64>,
}

/// How many waited at the same time.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Queue {
    /// The most.
    #[schema(examples(9))]
    pub longest: i64,
    /// The mean, from when the first of a day came to when nobody waited any more.
    #[schema(examples(2.4))]
    pub mean: Option<f64>,
}

/// How much of the practitioners' time was booked.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Utilisation {
    /// Minutes of all appointments that were kept: not called off, and not recorded from elsewhere.
    #[schema(examples(1260))]
    pub booked_minutes: i64,
    /// The minutes that schedules were open, less breaks and holidays; null where no schedule says.
    #[schema(examples(1800))]
    pub open_minutes: Option<i64>,
    /// Of the practitioners who had a schedule on the day: their booked over their open minutes. More than 1 where they
    /// were booked beside their hours or twice at a time.
    #[schema(examples(0.7))]
    pub rate: Option<f64>,
}

/// Money of one currency, in minor units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Revenue {
    /// The currency.
    pub currency: Currency,
    /// Invoices that were issued and are not void, with tax.
    #[schema(examples(125000))]
    pub invoiced: i64,
    /// What credit notes took back.
    #[schema(examples(5000))]
    pub credited: i64,
    /// `invoiced` less `credited`.
    #[schema(examples(120000))]
    pub net: i64,
    /// Payments that came in.
    #[schema(examples(98000))]
    pub collected: i64,
    /// Payments that went back.
    #[schema(examples(0))]
    pub refunded: i64,
}
