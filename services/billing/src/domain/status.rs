//! The states of an invoice and the moves between them.

use hms_model::coded_enum;

use super::Refusal;

coded_enum! {
    /// What has become of an invoice (FHIR Invoice.status says less: it knows nothing of payments).
    pub enum Status {
        /// Being written; it has no number, and nobody owes it.
        Draft = "draft",
        /// It has its number and is owed.
        Issued = "issued",
        /// A part of it is settled.
        PartlyPaid = "partly_paid",
        /// Nothing of it is open.
        Paid = "paid",
        /// It was called void before anything of it was settled.
        Void = "void",
        /// What was open of it is given up.
        WrittenOff = "written_off",
    }
}

impl Status {
    /// Where it may go from here: the whole of the state machine. A payment that is given back opens an invoice again.
    pub const fn moves(self) -> &'static [Status] {
        match self {
            Self::Draft => &[Self::Issued, Self::Void],
            Self::Issued => &[Self::PartlyPaid, Self::Paid, Self::Void, Self::WrittenOff],
            Self::PartlyPaid => &[Self::Issued, Self::Paid, Self::WrittenOff],
            Self::Paid => &[Self::Issued, Self::PartlyPaid],
            Self::Void | Self::WrittenOff => &[],
        }
    }

    /// The move, if it may be made.
    pub fn to(self, next: Status) -> Result<Status, Refusal> {
        if self.moves().contains(&next) { Ok(next) } else { Err(Refusal::Illegal(self)) }
    }

    /// Whether payments and credits can change it.
    pub const fn is_owed(self) -> bool {
        matches!(self, Self::Issued | Self::PartlyPaid | Self::Paid)
    }
}
