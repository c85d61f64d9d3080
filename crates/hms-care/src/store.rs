//! All SQL of the rule, but for the condition of lists.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use hms_db::{At, Db, InsertExt, Key, Result};
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
