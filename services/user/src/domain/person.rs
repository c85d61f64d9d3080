//! What patients and practitioners have in common.

use hms_model::{Text, coded_enum};

/// A given name or a family name.
pub type PersonName = Text<1, 100>;

coded_enum! {
    /// Administrative gender (FHIR AdministrativeGender).
    pub enum Gender {
        /// Male.
        Male = "male",
        /// Female.
        Female = "female",
        /// Another one.
        Other = "other",
        /// Not known.
        Unknown = "unknown",
    }
}
