//! The copies of patients, practitioners and departments.

use diesel::prelude::*;
use hms_db::{Db, InsertExt, Key, Result};
use hms_model::event::{DepartmentFacts, PatientFacts, PractitionerFacts};
use hms_model::id::{PatientId, PractitionerId};

use crate::schema::{departments, patients, practitioners};

/// Keeps a copy unless it has a newer version; of the same one an earlier version of this service may have kept less.
/// Inserted first: of two deliveries at once the second waits here for the first, and then sees what it has written.
macro_rules! keep {
    ($db:expr, $table:ident, $id:expr, $version:expr, $values:expr) => {{
        let (id, version, values) = (Key::from($id), $version, $values);
        let new = ($table::id.eq(id), $table::version.eq(version), values.clone());
        let made = diesel::insert_into($table::table).values(new).or_ignore().execute($db)?;
        if made == 0 {
            let no_newer = $table::table.filter($table::id.eq(id)).filter($table::version.le(version));
            diesel::update(no_newer).set(($table::version.eq(version), values)).execute($db)?;
        }
        Ok(())
    }};
}

/// Whether there is such a patient, as far as is known here.
pub fn knows_patient(db: &mut Db, id: PatientId) -> Result<bool> {
    let found: Option<Key> = patients::table.find(Key::from(id)).select(patients::id).first(db).optional()?;
    Ok(found.is_some())
}

/// Whether there is such a practitioner.
pub fn knows_practitioner(db: &mut Db, id: PractitionerId) -> Result<bool> {
    let query = practitioners::table.find(Key::from(id)).select(practitioners::id);
    Ok(query.first::<Key>(db).optional()?.is_some())
}

/// Keeps what is new of a patient.
pub fn keep_patient(db: &mut Db, facts: &PatientFacts) -> Result<()> {
    keep!(db, patients, facts.patient_id, facts.version, (patients::active.eq(facts.active),))
}

/// Keeps what is new of a practitioner.
pub fn keep_practitioner(db: &mut Db, facts: &PractitionerFacts) -> Result<()> {
    let values = (
        practitioners::name.eq(facts.name.clone()),
        practitioners::active.eq(facts.active),
        practitioners::specialty.eq(facts.specialty.clone()),
        practitioners::account_id.eq(facts.account_id.map(Key::from)),
        practitioners::department_id.eq(facts.department_id.map(Key::from)),
    );
    keep!(db, practitioners, facts.practitioner_id, facts.version, values)
}

/// Keeps what is new of a department.
pub fn keep_department(db: &mut Db, facts: &DepartmentFacts) -> Result<()> {
    let values = (departments::active.eq(facts.active), departments::name.eq(Some(facts.name.clone())));
    keep!(db, departments, facts.department_id, facts.version, values)
}
