//! The words all HMS services share: typed ids, roles and scopes, checked values, half-open time slots, time
//! zones, languages, the clock seam and the events. No actix, no diesel: whoever needs only the words pulls in nothing else.

pub mod audit;
pub mod clock;
mod code;
pub mod event;
pub mod id;
pub mod job;
mod language;
pub mod money;
pub mod role;
mod secret;
pub mod service;
mod slot;
mod value;
mod zone;

pub use clock::Clock;
pub use code::{Coded, UnknownCode};
pub use language::Language;
pub use secret::{OneTimeToken, Secret};
pub use slot::{EmptySlot, TimeSlot};
pub use value::{Email, Identifier, Invalid, LanguageTag, Phone, Text};
pub use zone::Zone;
