//! What is yet to be told to the services that keep a copy of it.

use diesel::prelude::*;
use hms_care::relations;
use hms_db::{Db, Key, LockExt};
use hms_model::event::CareFacts;

use super::practitioner;
use crate::domain::Practitioner;
use crate::schema::untold;

const PRACTITIONER: &str = "practitioner";
const CARE: &str = "care";

/// Takes some practitioners off the list, as they are now; none when it is at its end. Other replicas pass over those that
/// this one takes.
pub fn practitioners(db: &mut Db, most: i64) -> hms_db::Result<Option<Vec<Practitioner>>> {
    let keys = take(db, PRACTITIONER, most)?;
    keys.map(|keys| practitioner::find_all(db, keys)).transpose()
}

/// The same of relations. What binds nobody any more was told of when that happened.
pub fn care(db: &mut Db, most: i64) -> hms_db::Result<Option<Vec<CareFacts>>> {
    let keys = take(db, CARE, most)?;
    keys.map(|keys| relations(db, keys.into_iter().map(Into::into))).transpose()
}

fn take(db: &mut Db, kind: &str, most: i64) -> hms_db::Result<Option<Vec<Key>>> {
    let of_kind = || untold::table.filter(untold::kind.eq(kind.to_owned()));
    let query = of_kind().order(untold::id).limit(most).select(untold::id).lock_skip(db);
    let keys: Vec<Key> = query.load(db)?;
    diesel::delete(of_kind().filter(untold::id.eq_any(keys.clone()))).execute(db)?;
    Ok(Some(keys).filter(|keys| !keys.is_empty()))
}
