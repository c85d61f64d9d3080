//! The row that whoever counts holds.

use diesel::prelude::*;
use hms_db::{Db, LockExt, Result};

use crate::schema::jobs;

const AGGREGATE: &str = "aggregate_metrics";

/// How the job stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// The zone by which days were counted up to now; none before the first time.
    pub zone: Option<String>,
}

/// Holds the job until the unit of work ends; none while another replica does.
pub fn take(db: &mut Db) -> Result<Option<Job>> {
    let query = jobs::table.find(AGGREGATE).select(jobs::zone).lock_skip(db);
    let zone: Option<Option<String>> = query.get_result(db).optional()?;
    Ok(zone.map(|zone| Job { zone }))
}

/// Notes by which zone days are counted from now on.
pub fn set_zone(db: &mut Db, zone: &str) -> Result<()> {
    diesel::update(jobs::table.find(AGGREGATE)).set(jobs::zone.eq(Some(zone))).execute(db)?;
    Ok(())
}

/// Notes how many days were counted.
pub fn counted(db: &mut Db, days: i64) -> Result<()> {
    let own = jobs::table.find(AGGREGATE);
    diesel::update(own).set(jobs::days_counted.eq(jobs::days_counted + days)).execute(db)?;
    Ok(())
}
