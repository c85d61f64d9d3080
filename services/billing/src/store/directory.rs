//! The copies of patients, practitioners and departments.

use diesel::prelude::*;
use hms_db::{Db, InsertExt, Key, Result};
use hms_model::event::{DepartmentFacts, PatientFacts, PractitionerFacts};
use hms_model::id::{DepartmentId, PatientId};

use crate::schema::{departments, patients, practitioners};

/// Keeps a copy unless it has this version or a newer one.
macro_rules! keep {
    ($db:expr, $table:ident, $id:expr, $facts:expr) => {{
        let (id, version) = (Key::from($id), $facts.version);
        let values = ($table::name.eq($facts.name.clone()), $table::active.eq($facts.active));
        let new = ($table::id.eq(id), $table::version.eq(version), values.clone());
        if diesel::insert_into($table::table).values(new).or_ignore().execute($db)? == 0 {
            let older = $table::table.filter($table::id.eq(id)).filter($table::version.lt(version));
            diesel::update(older).set(($table::version.eq(version), values)).execute($db)?;
        }
        Ok(())
    }};
}

/// Keeps what is new of a patient.
pub fn keep_patient(db: &mut Db, facts: &PatientFacts) -> Result<()> {
    keep!(db, patients, facts.patient_id, facts)
}

/// Keeps what is new of a practitioner.
pub fn keep_practitioner(db: &mut Db, facts: &PractitionerFacts) -> Result<()> {
    keep!(db, practitioners, facts.practitioner_id, facts)
}

/// Keeps what is new of a department.
pub fn keep_department(db: &mut Db, facts: &DepartmentFacts) -> Result<()> {
    keep!(db, departments, facts.department_id, facts)
}

/// The name of a patient, if there is such a one.
pub fn patient_name(db: &mut Db, id: PatientId) -> Result<Option<String>> {
    Ok(patients::table.find(Key::from(id)).select(patients::name).first(db).optional()?)
}

/// The name of a department, if there is such a one.
pub fn department_name(db: &mut Db, id: DepartmentId) -> Result<Option<String>> {
    Ok(departments::table.find(Key::from(id)).select(departments::name).first(db).optional()?)
}
