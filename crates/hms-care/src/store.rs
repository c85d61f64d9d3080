//! All SQL of the rule, but for the condition of lists.

use std::collections::{BTreeSet, HashSet};

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use hms_db::{At, Db, InsertExt, Key, PgColumn, PgRows, Result};
use hms_model::event::{BreakGlassFacts, CareFacts, PractitionerFacts};
use hms_model::id::{AppointmentId, PatientId};
use hms_model::role::Viewer;

use crate::schema::{broken_glass, care_relations, practitioners};

/// Keeps what is new of a relation, unless this version or a newer one is known; says whether it binds others than
/// before. Inserted first: of two deliveries at once the second waits here for the first, and then sees what it wrote.
pub fn keep_relation(db: &mut Db, facts: &CareFacts) -> Result<bool> {
    let id = Key::from(facts.appointment_id);
    let (patient, practitioner) = (Key::from(facts.patient_id), Key::from(facts.practitioner_id));
    let department = facts.department_id.map(Key::from);
    let values = (
        care_relations::patient_id.eq(patient),
        care_relations::practitioner_id.eq(practitioner),
        care_relations::department_id.eq(department),
        care_relations::binding.eq(facts.binding),
        care_relations::version.eq(facts.version),
    );
    let new = (care_relations::appointment_id.eq(id), values);
    if diesel::insert_into(care_relations::table).values(new).or_ignore().execute(db)? == 1 {
        return Ok(facts.binding);
    }
    let older = || care_relations::table.find(id).filter(care_relations::version.lt(facts.version));
    let before: Option<(Key, Key, Option<Key>, bool)> = older()
        .select((
            care_relations::patient_id,
            care_relations::practitioner_id,
            care_relations::department_id,
            care_relations::binding,
        ))
        .first(db)
        .optional()?;
    let Some(before) = before else { return Ok(false) };
    diesel::update(older()).set(values).execute(db)?;
    Ok(before != (patient, practitioner, department, facts.binding))
}

/// The same of several, in their order, and in one round trip on PostgreSQL for those of which nothing was known; gives those
/// that bind others than before.
pub fn keep_relations(db: &mut Db, all: impl IntoIterator<Item = CareFacts>) -> Result<Vec<CareFacts>> {
    let all: Vec<CareFacts> = all.into_iter().collect();
    let mut new = add_new(db, &all)?;
    let mut changed = Vec::new();
    for facts in all {
        let binds_others = match new.remove(&Key::from(facts.appointment_id)) {
            true => facts.binding,
            false => keep_relation(db, &facts)?,
        };
        if binds_others {
            changed.push(facts);
        }
    }
    Ok(changed)
}

/// Adds the first of each appointment of which nothing is known; gives those appointments.
fn add_new(db: &mut Db, all: &[CareFacts]) -> Result<HashSet<Key>> {
    let Db::Pg(connection) = db else { return Ok(HashSet::new()) };
    let mut rows = PgRows::into_table("care_relations", COLUMNS).or_ignore();
    for facts in all {
        let department = facts.department_id.map(|id| id.to_string());
        let ids = [
            facts.appointment_id.to_string(),
            facts.patient_id.to_string(),
            facts.practitioner_id.to_string(),
        ];
        let [appointment, patient, practitioner] = ids.map(Some);
        let (binding, version) = (Some(facts.binding.to_string()), Some(facts.version.to_string()));
        rows.push([appointment, patient, practitioner, department, binding, version]);
    }
    let added: Vec<Key> = rows.load(connection)?;
    Ok(added.into_iter().collect())
}

const COLUMNS: [PgColumn; 6] = [
    ("appointment_id", "uuid"),
    ("patient_id", "uuid"),
    ("practitioner_id", "uuid"),
    ("department_id", "uuid"),
    ("binding", "boolean"),
    ("version", "bigint"),
];

/// What binds somebody by these appointments.
pub fn relations(
    db: &mut Db,
    appointments: impl IntoIterator<Item = AppointmentId>,
) -> Result<Vec<CareFacts>> {
    let keys: Vec<Key> = appointments.into_iter().map(Key::from).collect();
    let rows: Vec<(Key, i64, Key, Key, Option<Key>)> = care_relations::table
        .filter(care_relations::appointment_id.eq_any(keys))
        .filter(care_relations::binding.eq(true))
        .select((
            care_relations::appointment_id,
            care_relations::version,
            care_relations::patient_id,
            care_relations::practitioner_id,
            care_relations::department_id,
        ))
        .order(care_relations::appointment_id)
        .load(db)?;
    let facts =
        |(appointment, version, patient, practitioner, department): (Key, _, Key, Key, Option<Key>)| {
            CareFacts {
                appointment_id: appointment.into(),
                version,
                patient_id: patient.into(),
                practitioner_id: practitioner.into(),
                department_id: department.map(Into::into),
                binding: true,
            }
        };
    Ok(rows.into_iter().map(facts).collect())
}

/// Keeps that somebody has broken the glass.
pub fn keep_glass(db: &mut Db, facts: &BreakGlassFacts) -> Result<()> {
    let values = (
        broken_glass::id.eq(Key::from(facts.break_glass_id)),
        broken_glass::account_id.eq(Key::from(facts.account_id)),
        broken_glass::patient_id.eq(Key::from(facts.patient_id)),
        broken_glass::until.eq(At(facts.until)),
    );
    diesel::insert_into(broken_glass::table).values(values).or_ignore().execute(db)?;
    Ok(())
}

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

/// The viewer with their practitioner and its department, as far as they are known by the token's practitioner or by the
/// account.
pub(crate) fn placed(db: &mut Db, viewer: Viewer) -> Result<Viewer> {
    let named = practitioners::id.nullable().eq(viewer.practitioner_id.map(Key::from));
    let linked = practitioners::account_id.eq(Some(Key::from(viewer.account_id)));
    let found: Option<(Key, Option<Key>)> = practitioners::table
        .filter(named.or(linked))
        .select((practitioners::id, practitioners::department_id))
        .order(practitioners::id)
        .first(db)
        .optional()?;
    Ok(match found {
        Some((id, department)) => Viewer {
            practitioner_id: viewer.practitioner_id.or(Some(id.into())),
            department_id: department.map(Into::into),
            ..viewer
        },
        None => viewer,
    })
}

/// What binds the viewer to some of these patients: those of their own care, of their department, behind broken glass.
pub(crate) struct Bound {
    pub care: BTreeSet<PatientId>,
    pub department: BTreeSet<PatientId>,
    pub broken_glass: BTreeSet<PatientId>,
}

/// A patient, who treats them, and in which department.
type Related = (Key, Key, Option<Key>);

pub(crate) fn bound(
    db: &mut Db,
    viewer: &Viewer,
    patients: &[PatientId],
    now: DateTime<Utc>,
) -> Result<Bound> {
    let keys: Vec<Key> = patients.iter().copied().map(Key::from).collect();
    let practitioner = viewer.practitioner_id.map(Key::from);
    let department = viewer.department_id.map(Key::from);
    let mine = care_relations::practitioner_id.nullable().eq(practitioner);
    let here = care_relations::department_id.eq(department);
    let related: Vec<Related> = care_relations::table
        .filter(care_relations::patient_id.eq_any(keys.clone()))
        .filter(care_relations::binding.eq(true))
        .filter(mine.or(here))
        .select((care_relations::patient_id, care_relations::practitioner_id, care_relations::department_id))
        .distinct()
        .load(db)?;
    let opened: Vec<Key> = broken_glass::table
        .filter(broken_glass::account_id.eq(Key::from(viewer.account_id)))
        .filter(broken_glass::patient_id.eq_any(keys))
        .filter(broken_glass::until.gt(At(now)))
        .select(broken_glass::patient_id)
        .load(db)?;
    let of = |binds: &dyn Fn(&Related) -> bool| {
        related.iter().filter(|row| binds(row)).map(|(patient, ..)| PatientId::from(*patient)).collect()
    };
    Ok(Bound {
        care: of(&|(_, by, _)| Some(*by) == practitioner),
        department: of(&|(.., at)| department.is_some() && *at == department),
        broken_glass: opened.into_iter().map(PatientId::from).collect(),
    })
}

#[cfg(test)]
mod tests {
    use hms_db::{Database, Migrations, PoolOptions};
    use hms_model::Clock;
    use hms_model::id::Id;
    use hms_testkit::database::TestDatabase;
    use hms_testkit::on_both_back_ends;

    use super::*;

    fn ids<K, const N: usize>() -> [Id<K>; N] {
        [(); N].map(|()| Id::new(Clock::system().now()))
    }

    /// News of six appointments, of random versions in a random order, many of them more than once.
    fn random_news(random: &mut fastrand::Rng) -> Vec<CareFacts> {
        let (appointments, [patient_id], practitioners, [department]) =
            (ids::<_, 6>(), ids(), ids::<_, 3>(), ids());
        let mut any = |most: usize| random.usize(..most);
        let news = (0..60).map(|_| CareFacts {
            appointment_id: appointments[any(6)],
            version: [1, 2, 3, 4, 5][any(5)],
            patient_id,
            practitioner_id: practitioners[any(3)],
            department_id: [None, Some(department)][any(2)],
            binding: any(4) > 0,
        });
        news.collect()
    }

    type Row = (Key, Key, Option<Key>, bool, i64);

    fn kept(db: &mut Db) -> Result<Vec<Row>> {
        let columns = (
            care_relations::appointment_id,
            care_relations::practitioner_id,
            care_relations::department_id,
            care_relations::binding,
            care_relations::version,
        );
        Ok(care_relations::table.select(columns).order(care_relations::appointment_id).load(db)?)
    }

    on_both_back_ends! {
        async fn relations_that_come_together_are_kept_as_if_each_had_come_alone(backend) {
            let seed = fastrand::u64(..);
            println!("seed {seed}");
            let mut random = fastrand::Rng::with_seed(seed);
            let migrations = Migrations::new().and(crate::MIGRATIONS);
            let one = TestDatabase::new(backend, "alone", &migrations).await;
            let other = TestDatabase::new(backend, "together", &migrations).await;
            let [alone, together] =
                [&one, &other].map(|own| Database::new(own.url.clone(), PoolOptions::default()));
            let mut news = random_news(&mut random);
            while !news.is_empty() {
                let batch: Vec<_> = news.drain(..random.usize(1..=news.len().min(9))).collect();
                let mut told = Vec::new();
                for facts in batch.clone() {
                    let kept = facts.clone();
                    if alone.write(move |db| keep_relation(db, &kept)).await.unwrap() {
                        told.push(facts);
                    }
                }
                assert_eq!(together.write(move |db| keep_relations(db, batch)).await.unwrap(), told);
            }
            assert_eq!(together.read(kept).await.unwrap(), alone.read(kept).await.unwrap());
        }
    }
}
