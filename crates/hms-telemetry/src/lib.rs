//! What a service tells of itself: logs and metrics.

mod healthcheck;
pub mod lines;
pub mod logs;
mod metrics;
mod observed;

pub use healthcheck::healthcheck;
pub use lines::Lines;
pub use metrics::Metrics;
pub use observed::Observed;
pub use prometheus::Result as MetricResult;
pub use prometheus::{Histogram, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec};
pub use tracing_subscriber::filter::LevelFilter;
