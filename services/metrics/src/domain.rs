//! The rules of the figures. Pure: facts come in, figures go out.

mod cell;
mod facts;
mod figures;
mod open;
mod period;
mod queue;
mod report;
mod sight;
mod tally;

pub use cell::{Cell, Days, Overflow, Place, Takings, Visit};
pub use facts::{Appointment, Bill, Facts, Patient, Payment, PaymentKind, Status, Ticket, TicketStatus};
pub use figures::{Figures, Queue, Revenue, Utilisation, Waiting};
pub use open::{Calendar, Closed, Schedule};
pub use period::{Period, Span, Step};
pub use report::{GroupBy, Names, Report, Row, Selection, report};
pub use sight::Sight;
pub use tally::Tally;
