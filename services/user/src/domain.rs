//! The rules, pure: loaded values and the time in, a new state or a refusal out.

mod address;
mod birth;
mod break_glass;
mod change;
mod country;
mod department;
mod identifier;
mod mrn;
mod patch;
mod patient;
mod person;
mod practitioner;
mod refusal;
mod search;
mod status;

pub use address::{Address, AddressPatch};
pub use birth::{BirthDate, last_birth_date};
pub use break_glass::{BreakGlass, Emergency, may_break_glass};
pub use change::Change;
pub use country::Country;
pub use department::{Department, DepartmentDetails, DepartmentKind, DepartmentPatch};
pub use identifier::IdentifierToken;
pub use mrn::mrn;
pub use patch::Patch;
pub use patient::{Patient, PatientDetails, PatientPatch};
pub use person::{Gender, PersonName};
pub use practitioner::{Practitioner, PractitionerDetails, PractitionerPatch};
pub use refusal::Refusal;
pub use search::{FOLDING, is_indexed, words};
pub use status::{PatientStatus, Status};
