//! What is done once a day.

use chrono::NaiveDate;
use diesel::prelude::*;
use hms_db::{Db, LockExt, Result};

use crate::schema::jobs;

/// Holds a job until the unit of work ends, unless it has been done on this day or later: of several replicas one gets
/// it, and the others find it done.
pub fn hold(db: &mut Db, name: &str, today: NaiveDate) -> Result<bool> {
    let query = jobs::table.find(name).select(jobs::last_run_on).lock(db);
    let last: NaiveDate = query.get_result(db)?;
    Ok(last < today)
}

/// Notes that a job has been done on this day.
pub fn done(db: &mut Db, name: &str, today: NaiveDate) -> Result<()> {
    diesel::update(jobs::table.find(name)).set(jobs::last_run_on.eq(today)).execute(db)?;
    Ok(())
}
