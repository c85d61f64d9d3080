//! The identifiers of appointments: each belongs to one.

use diesel::prelude::*;
use hms_db::{Db, InsertExt, KeepExt, Key, Result};
use hms_model::Identifier;

use crate::domain::{Appointment, Owner};
use crate::schema::{appointment_identifiers as table, appointments};

/// The appointment that has one of these identifiers, if any; hidden ones keep theirs.
pub(super) fn owner(db: &mut Db, identifiers: &[Identifier]) -> Result<Option<Owner>> {
    for Identifier { system, value } in identifiers {
        let owner: Option<(Key, Key)> = table::table
            .inner_join(appointments::table.on(appointments::id.eq(table::appointment_id)))
            .filter(table::system.eq(system.as_str()))
            .filter(table::value.eq(value.as_str()))
            .select((appointments::id, appointments::patient_id))
            .first(db)
            .optional()?;
        if let Some((appointment, patient)) = owner {
            return Ok(Some(Owner { appointment_id: appointment.into(), patient_id: patient.into() }));
        }
    }
    Ok(None)
}

/// Writes the identifiers of a new appointment; says when another one has been given one of them meanwhile. Always in
/// the same order, so that two who write the same ones do not wait for each other.
pub(super) fn insert(db: &mut Db, appointment: &Appointment) -> Result<Option<Owner>> {
    let mut identifiers: Vec<_> = appointment.identifiers.iter().collect();
    identifiers.sort();
    for identifier in identifiers {
        let row = (
            table::system.eq(identifier.system.as_str()),
            table::value.eq(identifier.value.as_str()),
            table::appointment_id.eq(Key::from(appointment.id)),
        );
        if diesel::insert_into(table::table).values(row).or_ignore().kept().execute(db)? == 0 {
            return owner(db, std::slice::from_ref(identifier));
        }
    }
    Ok(None)
}
