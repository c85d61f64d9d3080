//! The copies of practitioners: whose account they have, and where they belong.

use diesel::prelude::*;
use hms_db::{Db, InsertExt, Key, Result};
use hms_model::event::PractitionerFacts;

use crate::schema::practitioners;

/// Keeps what is new of a practitioner, unless this version or a newer one is known. Inserted first: of two deliveries at
/// once the second waits here for the first, and then sees what it has written.
pub fn keep_practitioner(db: &mut Db, facts: &PractitionerFacts) -> Result<()> {
    let id = Key::from(facts.practitioner_id);
    let values = (
        practitioners::version.eq(facts.version),
        practitioners::account_id.eq(facts.account_id.map(Key::from)),
        practitioners::department_id.eq(facts.department_id.map(Key::from)),
    );
    let new = (practitioners::id.eq(id), values);
    if diesel::insert_into(practitioners::table).values(new).or_ignore().execute(db)? == 0 {
        let older = practitioners::table.find(id).filter(practitioners::version.lt(facts.version));
        diesel::update(older).set(values).execute(db)?;
    }
    Ok(())
}
