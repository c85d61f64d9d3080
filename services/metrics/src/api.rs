//! The endpoints, by what they are about.

pub mod analytics;
