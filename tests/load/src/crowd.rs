//! Many patients, for lists and searches at size. They are written past the service, as fast as the database takes them; what
//! a row says is what the service would have written.

use anyhow::{Context as _, ensure};
use diesel::connection::SimpleConnection as _;
use hms_db::{Backend, Database, DatabaseUrl, Error, PoolOptions};

use crate::hospital::{FAMILY, GIVEN};

/// Patients of one statement: so many take a second or two, and the service's connections wait for ten.
const PORTION: u32 = 25_000;

/// Adds so many patients to the user service's database on PostgreSQL, with names spread as those of the hospital are.
pub async fn fill(url: DatabaseUrl, patients: u32) -> anyhow::Result<()> {
    let database = Database::new(url, PoolOptions::default());
    ensure!(database.backend() == Backend::Postgres, "this needs a PostgreSQL");
    let portions = (0..patients).step_by(usize::try_from(PORTION)?);
    let portions = portions.map(|before| insert(before + 1, patients.min(before + PORTION)));
    for sql in portions.chain(["ANALYZE patients".to_owned()]) {
        let written = database.write(move |db| Ok::<_, Error>(db.batch_execute(&sql)?));
        written.await.context("the patients could not be written")?;
    }
    Ok(())
}

/// Adds those with these numbers.
fn insert(first: u32, last: u32) -> String {
    let array = |names: [&str; 20]| format!("array['{}']", names.join("','"));
    let (given, family) = (array(GIVEN), array(FAMILY));
    format!(
        "INSERT INTO patients (id, mrn, status, given_name, family_name, birth_date, gender, identifiers, version,
           created_at, updated_at, search_text, search_version)
         SELECT gen_random_uuid(), mrn, 'active', given, family, date '1990-05-17', 'female', '[]', 1, now(), now(),
           lower(concat(E'\\n', given, E'\\n', family, E'\\n', mrn)), 2
         FROM (
           SELECT 'CROWD' || lpad(CAST(i AS text), 9, '0') AS mrn, ({given})[1 + i % 20] AS given,
             ({family})[1 + (i / 20) % 20] || chr(97 + (i * 7) % 26) || chr(97 + (i * 11) % 26) AS family
           FROM generate_series({first}, {last}) AS i
         ) AS people"
    )
}
