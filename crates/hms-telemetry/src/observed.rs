//! Metrics whose figures are kept elsewhere, and asked for when somebody looks.

use std::collections::HashMap;

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{CounterVec, GaugeVec, Opts};

use crate::Metrics;

/// What the values of an observed family are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Observed {
    /// They go up and down.
    Gauge,
    /// They only go up.
    Counter,
}

impl Metrics {
    /// A family whose values are asked for when somebody looks, for figures that are kept elsewhere. `values`
    /// gives each sample with the values of its labels, in the order of `labels`.
    pub fn observed(
        &self,
        kind: Observed,
        name: &str,
        help: &str,
        labels: &[&str],
        values: impl Fn() -> Vec<(Vec<String>, f64)> + Send + Sync + 'static,
    ) -> prometheus::Result<()> {
        let labels = labels.iter().map(|&label| label.to_owned()).collect();
        let description = Desc::new(name.to_owned(), help.to_owned(), labels, HashMap::new())?;
        self.registry.register(Box::new(OnDemand { kind, description, values }))
    }
}

/// A family that is made anew for each scrape.
struct OnDemand<F> {
    kind: Observed,
    description: Desc,
    values: F,
}

impl<F: Fn() -> Vec<(Vec<String>, f64)> + Send + Sync> OnDemand<F> {
    fn family(&self) -> prometheus::Result<Vec<MetricFamily>> {
        let options = Opts::new(&self.description.fq_name, &self.description.help);
        let labels: Vec<&str> = self.description.variable_labels.iter().map(String::as_str).collect();
        let samples = (self.values)();
        match self.kind {
            Observed::Gauge => {
                let family = GaugeVec::new(options, &labels)?;
                for (labels, value) in samples {
                    family.get_metric_with_label_values(&labels)?.set(value);
                }
                Ok(family.collect())
            }
            Observed::Counter => {
                let family = CounterVec::new(options, &labels)?;
                for (labels, value) in samples {
                    family.get_metric_with_label_values(&labels)?.inc_by(value);
                }
                Ok(family.collect())
            }
        }
    }
}

impl<F: Fn() -> Vec<(Vec<String>, f64)> + Send + Sync> Collector for OnDemand<F> {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.description]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        self.family().unwrap_or_else(|error| {
            tracing::error!(%error, family = self.description.fq_name, "a metric cannot be written");
            Vec::new()
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[test]
    fn figures_kept_elsewhere_are_asked_for_at_each_scrape() {
        let metrics = Metrics::new();
        let kept = Arc::new(AtomicU32::new(3));
        let seen = Arc::clone(&kept);
        let values = move || vec![(vec!["user".to_owned()], f64::from(seen.load(Ordering::Relaxed)))];
        metrics.observed(Observed::Counter, "seen_total", "What was seen.", &["service"], values).unwrap();
        assert!(metrics.render().contains(r#"seen_total{service="user"} 3"#), "{}", metrics.render());
        kept.store(5, Ordering::Relaxed);
        assert!(metrics.render().contains(r#"seen_total{service="user"} 5"#), "{}", metrics.render());
        let twice = metrics.observed(Observed::Gauge, "seen_total", "Again.", &["service"], Vec::new);
        assert!(twice.is_err());
    }
}
