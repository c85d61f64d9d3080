//! The copy of what is known of patients.

use diesel::prelude::*;
use hms_db::{Db, InsertExt, Key, Result};
use hms_model::id::PatientId;

use crate::domain::Patient;
use crate::schema::patients;

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = patients)]
#[diesel(treat_none_as_null = true)]
struct Row {
    id: Key,
    version: i64,
    name: String,
    email: Option<String>,
    phone: Option<String>,
    language: Option<String>,
    has_account: bool,
    active: bool,
}

/// Keeps what an event tells, unless something newer is known.
pub fn keep(db: &mut Db, patient: &Patient) -> Result<()> {
    let row = Row::of(patient);
    let older = patients::table.find(row.id).filter(patients::version.lt(row.version));
    let changed = diesel::update(older).set(&row).execute(db)?;
    if changed == 0 {
        diesel::insert_into(patients::table).values(&row).or_ignore().execute(db)?;
    }
    Ok(())
}

/// The patient of this id, if known.
pub fn find(db: &mut Db, id: PatientId) -> Result<Option<Patient>> {
    let row: Option<Row> =
        patients::table.find(Key::from(id)).select(Row::as_select()).first(db).optional()?;
    Ok(row.map(Row::patient))
}

impl Row {
    fn of(patient: &Patient) -> Self {
        let Patient { id, version, name, email, phone, language, has_account, active } = patient.clone();
        Self { id: id.into(), version, name, email, phone, language, has_account, active }
    }

    fn patient(self) -> Patient {
        let Self { id, version, name, email, phone, language, has_account, active } = self;
        Patient { id: id.into(), version, name, email, phone, language, has_account, active }
    }
}
