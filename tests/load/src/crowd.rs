//! Many patients, for lists and searches at size. They are written past the service, as fast as the database takes them; what
//! a row says is what the service would have written.

use anyhow::{Context as _, ensure};
use diesel::connection::SimpleConnection as _;
use hms_db::{Backend, Database, DatabaseUrl, Error, PoolOptions};

use crate::hospital::{FAMILY, GIVEN};

/// Adds so many patients to the user service's database on PostgreSQL, with names spread as those of the hospital are.
pub async fn fill(url: DatabaseUrl, patients: u32) -> anyhow::Result<()> {
    let database = Database::new(url, PoolOptions::default());
    let array = |names: [&str; 20]| format!("array['{}']", names.join("','"));
    let (given, family) = (array(GIVEN), array(FAMILY));
    let sql = format!(
        "INSERT INTO patients (id, mrn, status, given_name, family_name, birth_date, gender, identifiers, version,
           created_at, updated_at, search_text)
         SELECT gen_random_uuid(), mrn, 'active', given, family, date '1990-05-17', 'female', '[]', 1, now(), now(),
           lower(given || ' ' || family || ' ' || mrn)
         FROM (
           SELECT 'CROWD' || lpad(CAST(i AS text), 9, '0') AS mrn, ({given})[1 + i % 20] AS given,
             ({family})[1 + (i / 20) % 20] || chr(97 + (i * 7) % 26) || chr(97 + (i * 11) % 26) AS family
           FROM generate_series(1, {patients}) AS i
         ) AS people;
         ANALYZE patients;"
    );
    let written = database.write(move |db| {
        let is_postgres = Backend::of(db) == Backend::Postgres;
        if is_postgres {
            db.batch_execute(&sql)?;
        }
        Ok::<_, Error>(is_postgres)
    });
    ensure!(written.await.context("the patients could not be written")?, "this needs a PostgreSQL");
    Ok(())
}
