//! The queue at the counter: whose turn it is, what may become of a ticket, and how long the others will wait.

mod order;
#[cfg(test)]
mod tests;
mod ticket;
mod wait;

pub use order::{Place, by_turn, due, place_at};
pub use ticket::{Arrival, Desk, DeskName, Ticket, TicketStatus, Triage, letters};
pub use wait::{average_service, wait};
