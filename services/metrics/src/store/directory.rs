//! The copies of practitioners and departments.

use diesel::prelude::*;
use hms_db::{Db, InsertExt, Key, Result};
use hms_model::event::{DepartmentFacts, PractitionerFacts};
use hms_model::id::{AccountId, PractitionerId};

use crate::domain::Names;
use crate::schema::{departments, practitioners};

/// Keeps what is new of a practitioner.
pub fn keep_practitioner(db: &mut Db, facts: &PractitionerFacts) -> Result<()> {
    let id = Key::from(facts.practitioner_id);
    let values = (
        practitioners::version.eq(facts.version),
        practitioners::name.eq(facts.name.clone()),
        practitioners::account_id.eq(facts.account_id.map(Key::from)),
    );
    let new = (practitioners::id.eq(id), values.clone());
    if diesel::insert_into(practitioners::table).values(new).or_ignore().execute(db)? == 0 {
        let older = practitioners::table.find(id).filter(practitioners::version.lt(facts.version));
        diesel::update(older).set(values).execute(db)?;
    }
    Ok(())
}

/// Keeps what is new of a department.
pub fn keep_department(db: &mut Db, facts: &DepartmentFacts) -> Result<()> {
    let id = Key::from(facts.department_id);
    let values = (departments::version.eq(facts.version), departments::name.eq(facts.name.clone()));
    let new = (departments::id.eq(id), values.clone());
    if diesel::insert_into(departments::table).values(new).or_ignore().execute(db)? == 0 {
        let older = departments::table.find(id).filter(departments::version.lt(facts.version));
        diesel::update(older).set(values).execute(db)?;
    }
    Ok(())
}

/// The practitioner who is an account's own.
pub fn practitioner_of(db: &mut Db, account: AccountId) -> Result<Option<PractitionerId>> {
    let own = practitioners::table.filter(practitioners::account_id.eq(Some(Key::from(account))));
    let id: Option<Key> = own.select(practitioners::id).order(practitioners::id).first(db).optional()?;
    Ok(id.map(Into::into))
}

/// What all of them are called.
pub fn names(db: &mut Db) -> Result<Names> {
    let departments: Vec<(Key, String)> =
        departments::table.select((departments::id, departments::name)).load(db)?;
    let practitioners: Vec<(Key, String)> =
        practitioners::table.select((practitioners::id, practitioners::name)).load(db)?;
    Ok(Names {
        departments: departments.into_iter().map(|(id, name)| (id.into(), name)).collect(),
        practitioners: practitioners.into_iter().map(|(id, name)| (id.into(), name)).collect(),
    })
}
