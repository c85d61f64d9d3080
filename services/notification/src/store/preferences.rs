//! Which messages patients want.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use hms_db::{At, Db, InsertExt, Json, Key, LockExt, Result, each};
use hms_model::id::PatientId;

use super::{read_json, write_json};
use crate::domain::Wishes;
use crate::schema::notification_preferences as preferences;

#[derive(Queryable, Selectable)]
#[diesel(table_name = preferences)]
pub(super) struct Row {
    patient_id: Key,
    version: i64,
    channels: Json,
    quiet: Option<Json>,
}

/// What a patient has said; nothing is said of one that is not there.
pub fn find(db: &mut Db, patient: PatientId) -> Result<Wishes> {
    let row: Option<Row> =
        preferences::table.find(Key::from(patient)).select(Row::as_select()).first(db).optional()?;
    row.map_or_else(|| Ok(Wishes::none(patient)), Row::wishes)
}

/// The same, and nobody else changes it before the end of the transaction.
pub fn hold(db: &mut Db, patient: PatientId) -> Result<Wishes> {
    let query = preferences::table.find(Key::from(patient)).select(Row::as_select()).lock(db);
    let row: Option<Row> = query.get_result(db).optional()?;
    row.map_or_else(|| Ok(Wishes::none(patient)), Row::wishes)
}

/// Those of these patients that have said something of quiet hours.
pub fn quiet(db: &mut Db, patients: Vec<PatientId>) -> Result<Vec<Wishes>> {
    let keys: Vec<Key> = patients.into_iter().map(Key::from).collect();
    let rows: Vec<Row> = each!(db, connection => {
        preferences::table
            .filter(preferences::patient_id.eq_any(keys))
            .filter(preferences::quiet.is_not_null())
            .select(Row::as_select())
            .load(connection)
    })?;
    rows.into_iter().map(Row::wishes).collect()
}

/// Writes them down, where they still are of the version before. False where somebody else was faster.
pub fn save(db: &mut Db, wishes: &Wishes, now: DateTime<Utc>) -> Result<bool> {
    let id = Key::from(wishes.patient_id);
    let said = (
        preferences::version.eq(wishes.version),
        preferences::channels.eq(write_json(&wishes.channels)?),
        preferences::quiet.eq(wishes.quiet.as_ref().map(write_json).transpose()?),
        preferences::updated_at.eq(At(now)),
    );
    let changed = if wishes.version == 1 {
        diesel::insert_into(preferences::table)
            .values((preferences::patient_id.eq(id), said))
            .or_ignore()
            .execute(db)?
    } else {
        let before = preferences::table.find(id).filter(preferences::version.eq(wishes.version - 1));
        diesel::update(before).set(said).execute(db)?
    };
    Ok(changed == 1)
}

impl Row {
    pub(super) fn wishes(self) -> Result<Wishes> {
        Ok(Wishes {
            patient_id: self.patient_id.into(),
            version: self.version,
            channels: read_json(self.channels)?,
            quiet: self.quiet.map(read_json).transpose()?,
        })
    }
}
