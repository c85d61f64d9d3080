//! The payloads of the events, a file for each service that publishes them. A field is added as optional; none is ever
//! taken away or given another meaning.

macro_rules! event {
    ($name:ty = $kind:literal v $version:literal by $producer:literal, $subject:ident) => {
        impl Event for $name {
            const TYPE: &'static str = $kind;
            const VERSION: u32 = $version;
            const PRODUCER: &'static str = $producer;
            fn subject(&self) -> String {
                self.$subject.to_string()
            }
            fn aggregate_version(&self) -> i64 {
                self.version
            }
        }
    };
}

macro_rules! facts_event {
    ($name:ty = $kind:literal by $producer:literal, $subject:ident) => {
        impl Event for $name {
            const TYPE: &'static str = $kind;
            const VERSION: u32 = 1;
            const PRODUCER: &'static str = $producer;
            fn subject(&self) -> String {
                self.0.$subject.to_string()
            }
            fn aggregate_version(&self) -> i64 {
                self.0.version
            }
        }
    };
}

mod appointment;
mod audit;
mod auth;
mod billing;
mod notification;
mod user;

pub use appointment::*;
pub use audit::*;
pub use auth::*;
pub use billing::*;
pub use notification::*;
pub use user::*;
