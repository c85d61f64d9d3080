//! The copy of the names of departments.

use diesel::prelude::*;
use hms_db::{Db, InsertExt, Key, Result};
use hms_model::event::DepartmentFacts;
use hms_model::id::DepartmentId;

use crate::schema::departments;

/// Keeps what an event tells, unless something newer is known.
pub fn keep(db: &mut Db, facts: &DepartmentFacts) -> Result<()> {
    let id = Key::from(facts.department_id);
    let named = (departments::version.eq(facts.version), departments::name.eq(&facts.name));
    let older = departments::table.find(id).filter(departments::version.lt(facts.version));
    if diesel::update(older).set(named).execute(db)? == 0 {
        let row = (departments::id.eq(id), named);
        diesel::insert_into(departments::table).values(row).or_ignore().execute(db)?;
    }
    Ok(())
}

/// The name of a department, if known.
pub fn name(db: &mut Db, id: Option<DepartmentId>) -> Result<Option<String>> {
    let Some(id) = id else { return Ok(None) };
    Ok(departments::table.find(Key::from(id)).select(departments::name).first(db).optional()?)
}
