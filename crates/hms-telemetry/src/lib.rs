//! What a service tells of itself: logs and metrics.

pub mod logs;
mod metrics;

pub use metrics::Metrics;
pub use prometheus::{IntCounter, IntGauge};
