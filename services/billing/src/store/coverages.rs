//! Payers, and what they cover for whom.

use chrono::NaiveDate;
use diesel::prelude::*;
use hms_api::{List, Page, list_filters};
use hms_db::{At, Db, Json, Key, MultiBackend, compare, like_pattern, lower};
use hms_model::id::{CoverageId, PatientId, PayerId};

use super::{paged, text, unreadable};
use crate::domain::{Coverage, Payer};
use crate::schema::{coverages, payers};

list_filters! {
    /// What `GET /billing/payers` can be filtered and ordered by.
    pub struct PayerFilters { reference: String = Set }
    search: Some("names"),
    ordering: ["name"],
}

list_filters! {
    /// What `GET /billing/coverages` can be filtered and ordered by.
    pub struct CoverageFilters {
        patient_id: PatientId = Set,
        payer_id: PayerId = Set,
        valid_from: NaiveDate = Range,
    }
    search: None,
    ordering: ["valid_from"],
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = payers)]
struct PayerRow {
    id: Key,
    name: String,
    reference: Option<String>,
    created_at: At,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = coverages)]
struct Row {
    id: Key,
    patient_id: Key,
    payer_id: Key,
    member_number: Option<String>,
    terms: Json,
    valid_from: NaiveDate,
    valid_to: Option<NaiveDate>,
    created_at: At,
}

impl PayerRow {
    fn payer(self) -> hms_db::Result<Payer> {
        Ok(Payer {
            id: self.id.into(),
            name: self.name.try_into().map_err(unreadable)?,
            reference: text(self.reference)?,
            created_at: self.created_at.into(),
        })
    }
}

impl Row {
    fn coverage(self) -> hms_db::Result<Coverage> {
        Ok(Coverage {
            id: self.id.into(),
            patient_id: self.patient_id.into(),
            payer_id: self.payer_id.into(),
            member_number: text(self.member_number)?,
            terms: serde_json::from_value(self.terms.0).map_err(unreadable)?,
            valid_from: self.valid_from,
            valid_to: self.valid_to,
            created_at: self.created_at.into(),
        })
    }
}

/// Adds a payer.
pub fn insert_payer(db: &mut Db, payer: &Payer) -> hms_db::Result<()> {
    let row = PayerRow {
        id: payer.id.into(),
        name: payer.name.as_str().into(),
        reference: payer.reference.clone().map(String::from),
        created_at: payer.created_at.into(),
    };
    diesel::insert_into(payers::table).values(row).execute(db)?;
    Ok(())
}

/// The payer of this id.
pub fn payer(db: &mut Db, id: PayerId) -> hms_db::Result<Payer> {
    let row: PayerRow = payers::table.find(Key::from(id)).select(PayerRow::as_select()).first(db)?;
    row.payer()
}

/// The payer that another system calls so, if there is one.
pub fn payer_by_reference(db: &mut Db, reference: &str) -> hms_db::Result<Option<PayerId>> {
    let id: Option<Key> =
        payers::table.filter(payers::reference.eq(reference)).select(payers::id).first(db).optional()?;
    Ok(id.map(Into::into))
}

/// One page of the payers.
pub fn list_payers(db: &mut Db, list: &List<PayerFilters>) -> hms_db::Result<Page<Payer>> {
    let matching = || {
        let mut query = payers::table.into_boxed::<MultiBackend>();
        if let Some(text) = &list.search {
            query = query.filter(lower(payers::name).like(like_pattern(text)).escape('\\'));
        }
        compare!(query, payers::reference, list.filters.reference, |reference| Some(reference))
    };
    paged!(matching, list, payers::id, { "name" => payers::name }, db, PayerRow, PayerRow::payer)
}

/// Adds a coverage.
pub fn insert(db: &mut Db, coverage: &Coverage) -> hms_db::Result<()> {
    let row = Row {
        id: coverage.id.into(),
        patient_id: coverage.patient_id.into(),
        payer_id: coverage.payer_id.into(),
        member_number: coverage.member_number.clone().map(String::from),
        terms: Json(serde_json::to_value(coverage.terms).map_err(unreadable)?),
        valid_from: coverage.valid_from,
        valid_to: coverage.valid_to,
        created_at: coverage.created_at.into(),
    };
    diesel::insert_into(coverages::table).values(row).execute(db)?;
    Ok(())
}

/// The coverage of this id.
pub fn find(db: &mut Db, id: CoverageId) -> hms_db::Result<Coverage> {
    let row: Row = coverages::table.find(Key::from(id)).select(Row::as_select()).first(db)?;
    row.coverage()
}

/// One page of the coverages.
pub fn list(db: &mut Db, list: &List<CoverageFilters>) -> hms_db::Result<Page<Coverage>> {
    let matching = || {
        let query = coverages::table.into_boxed::<MultiBackend>();
        let query = compare!(query, coverages::patient_id, list.filters.patient_id, |id| Key::from(id));
        let query = compare!(query, coverages::payer_id, list.filters.payer_id, |id| Key::from(id));
        compare!(query, coverages::valid_from, list.filters.valid_from, |day| day)
    };
    paged!(matching, list, coverages::id, { "valid_from" => coverages::valid_from }, db, Row, Row::coverage)
}
