//! The facts: kept by version, each change together with the mark on the days that it touches.

mod keep;
mod load;

pub use keep::{keep_appointment, keep_bill, keep_patient, keep_payment, keep_ticket};
pub use load::{all_days, within};
