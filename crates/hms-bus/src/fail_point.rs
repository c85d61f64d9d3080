//! Moments at which a crash test ends this process as a crash would: nothing is finished, nothing is written down.
//! Inert unless [`Options::fail_at`](crate::Options::fail_at) names one.

use std::str::FromStr;

use crate::Options;

/// A moment between two steps of which a crash must not lose or double anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailPoint {
    /// `relay.published`: events were sent to RabbitMQ, no confirm was seen.
    RelayPublished,
    /// `relay.confirmed`: they are in the broker, and still in the outbox.
    RelayConfirmed,
    /// `consumer.committed`: the effect is committed, the delivery not acknowledged.
    ConsumerCommitted,
}

impl FromStr for FailPoint {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "relay.published" => Ok(Self::RelayPublished),
            "relay.confirmed" => Ok(Self::RelayConfirmed),
            "consumer.committed" => Ok(Self::ConsumerCommitted),
            _ => Err("must be relay.published, relay.confirmed or consumer.committed"),
        }
    }
}

impl Options {
    /// Ends the process if this is where it shall fail.
    pub(crate) fn reach(&self, point: FailPoint) {
        if self.fail_at == Some(point) {
            tracing::error!(?point, "the process ends here, as it was told to");
            std::process::abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fail_point_is_set_by_its_name_and_none_is_by_default() {
        assert_eq!(Options::default().fail_at, None);
        assert_eq!("consumer.committed".parse(), Ok(FailPoint::ConsumerCommitted));
        assert!("consumer".parse::<FailPoint>().is_err());
    }
}
