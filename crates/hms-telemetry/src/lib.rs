//! What a service tells of itself: logs and metrics. Its spans are the matter of `hms-trace`; each line that is written
//! within one has the id of its trace.

mod file;
mod healthcheck;
pub mod lines;
pub mod logs;
mod metrics;
mod observed;
mod traced;

pub use file::LogFile;
pub use healthcheck::healthcheck;
pub use lines::Lines;
pub use metrics::{Metrics, known_method};
pub use observed::Observed;
pub use prometheus::Result as MetricResult;
pub use prometheus::{Histogram, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec};
pub use tracing_subscriber::filter::LevelFilter;
