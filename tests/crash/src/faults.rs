//! What is done to the platform.

use std::fmt;

use fastrand::Rng;
use hms_model::service::SERVICES;

/// The gateway's program.
pub const GATEWAY: &str = "hms-gateway";

/// Events published, nothing heard of them yet.
const PUBLISHED: &str = "relay.published";
/// Events in the broker, and still in the outbox.
const CONFIRMED: &str = "relay.confirmed";
/// The effect committed, the message not acknowledged.
pub const COMMITTED: &str = "consumer.committed";

/// One fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// A program is killed.
    Kill(String),
    /// A program dies at a fail point.
    DieAt(String, &'static str),
    /// RabbitMQ is stopped for a while.
    BrokerAway,
    /// PostgreSQL is stopped and started.
    RestartDatabase,
    /// PostgreSQL crashes, and is started.
    CrashDatabase,
}

impl Fault {
    /// All of them once, in an order drawn by chance.
    pub fn all(rng: &mut Rng) -> Vec<Self> {
        let mut all = vec![
            Self::BrokerAway,
            Self::RestartDatabase,
            Self::CrashDatabase,
            Self::Kill(GATEWAY.to_owned()),
        ];
        all.extend(SERVICES.iter().map(|service| Self::Kill(program(service.name))));
        let die_at = |service, point| Self::DieAt(program(service), point);
        for producer in ["user", "appointment", "notification"] {
            all.extend([die_at(producer, PUBLISHED), die_at(producer, CONFIRMED)]);
        }
        all.extend(
            ["auth", "appointment", "notification", "audit"].map(|consumer| die_at(consumer, COMMITTED)),
        );
        rng.shuffle(&mut all);
        all
    }
}

/// The program of a service.
pub fn program(service: &str) -> String {
    format!("hms-{service}")
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kill(program) => write!(f, "{program}: SIGKILL"),
            Self::DieAt(program, PUBLISHED) => write!(f, "{program}: dies between publish and confirm"),
            Self::DieAt(program, CONFIRMED) => write!(f, "{program}: dies after confirm, before delete"),
            Self::DieAt(program, _) => write!(f, "{program}: dies between effect and ack"),
            Self::BrokerAway => f.write_str("RabbitMQ: stopped and started"),
            Self::RestartDatabase => f.write_str("PostgreSQL: restarted (fast)"),
            Self::CrashDatabase => f.write_str("PostgreSQL: restarted (immediate)"),
        }
    }
}
