//! The routes: one file for each endpoint, with its request, its answer and its handler.

pub mod accounts;
pub mod catalogue;
pub mod claims;
pub mod coverages;
pub mod dunning;
pub mod entries;
pub mod internal;
pub mod invoices;
pub mod payers;
pub mod payments;
pub mod periods;
mod refusal;
pub mod reports;
