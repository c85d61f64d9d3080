//! The copy of the names of departments.

use std::collections::{BTreeSet, HashMap};

use diesel::prelude::*;
use hms_db::{Db, InsertExt, Key, Result, each};
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

/// The names of those of these departments that are known.
pub fn names(
    db: &mut Db,
    ids: impl IntoIterator<Item = DepartmentId>,
) -> Result<HashMap<DepartmentId, String>> {
    let ids: BTreeSet<Key> = ids.into_iter().map(Key::from).collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let named: Vec<(Key, String)> = each!(db, connection => {
        departments::table
            .filter(departments::id.eq_any(ids))
            .select((departments::id, departments::name))
            .load(connection)
    })?;
    Ok(named.into_iter().map(|(id, name)| (id.into(), name)).collect())
}
