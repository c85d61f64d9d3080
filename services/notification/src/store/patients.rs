//! The copy of what is known of patients.

use std::collections::BTreeMap;

use diesel::prelude::*;
use hms_db::{Db, InsertExt, Key, PgColumn, PgRows, Result};
use hms_model::id::PatientId;

use crate::domain::Patient;
use crate::schema::patients;

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = patients)]
#[diesel(treat_none_as_null = true)]
pub(super) struct Row {
    id: Key,
    version: i64,
    name: String,
    email: Option<String>,
    phone: Option<String>,
    language: Option<String>,
    has_account: bool,
    active: bool,
}

/// Keeps what events tell, of each patient the newest, unless something newer is known; in one round trip on PostgreSQL.
pub fn keep_all(db: &mut Db, told: &[Patient]) -> Result<()> {
    let mut newest: BTreeMap<PatientId, &Patient> = BTreeMap::new();
    for patient in told {
        let kept = newest.entry(patient.id).or_insert(patient);
        if kept.version < patient.version {
            *kept = patient;
        }
    }
    let Db::Pg(connection) = db else {
        return newest.values().try_for_each(|patient| keep(db, patient));
    };
    let mut rows = PgRows::into_table("patients", COLUMNS).or_newest();
    newest.values().for_each(|patient| rows.push(Row::of(patient).texts()));
    rows.execute(connection)?;
    Ok(())
}

const COLUMNS: [PgColumn; 8] = [
    ("id", "uuid"),
    ("version", "bigint"),
    ("name", "text"),
    ("email", "text"),
    ("phone", "text"),
    ("language", "text"),
    ("has_account", "boolean"),
    ("active", "boolean"),
];

fn keep(db: &mut Db, patient: &Patient) -> Result<()> {
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

    /// In the order of [`COLUMNS`].
    fn texts(self) -> [Option<String>; 8] {
        let Self { id, version, name, email, phone, language, has_account, active } = self;
        let (id, version) = (id.0.to_string(), version.to_string());
        let (has_account, active) = (has_account.to_string(), active.to_string());
        [Some(id), Some(version), Some(name), email, phone, language, Some(has_account), Some(active)]
    }

    pub(super) fn patient(self) -> Patient {
        let Self { id, version, name, email, phone, language, has_account, active } = self;
        Patient { id: id.into(), version, name, email, phone, language, has_account, active }
    }
}
