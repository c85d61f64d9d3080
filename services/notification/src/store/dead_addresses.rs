//! Addresses that a channel has given up for good: nothing is sent there until a person asks for it.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use hms_db::{At, Code, Db, InsertExt, Result, each};

use crate::domain::ChannelKind;
use crate::schema::dead_addresses;

/// Nothing is to be sent there any more.
pub fn add(db: &mut Db, channel: ChannelKind, address: &str, now: DateTime<Utc>) -> Result<()> {
    let row = (
        dead_addresses::channel.eq(Code(channel)),
        dead_addresses::address.eq(address),
        dead_addresses::since.eq(At(now)),
    );
    diesel::insert_into(dead_addresses::table).values(row).or_ignore().execute(db)?;
    Ok(())
}

/// It may be tried again.
pub fn remove(db: &mut Db, channel: ChannelKind, address: &str) -> Result<()> {
    let row = dead_addresses::table.find((Code(channel), address));
    diesel::delete(row).execute(db)?;
    Ok(())
}

/// Those of these addresses that were given up.
pub fn among(
    db: &mut Db,
    emails: Vec<String>,
    phones: Vec<String>,
) -> Result<HashSet<(ChannelKind, String)>> {
    use dead_addresses::{address, channel};
    if emails.is_empty() && phones.is_empty() {
        return Ok(HashSet::new());
    }
    let found: Vec<(Code<ChannelKind>, String)> = each!(db, connection => {
        let mails = channel.eq(Code(ChannelKind::Email)).and(address.eq_any(emails));
        let texts = channel.eq(Code(ChannelKind::Sms)).and(address.eq_any(phones));
        dead_addresses::table.filter(mails.or(texts)).select((channel, address)).load(connection)
    })?;
    Ok(found.into_iter().map(|(Code(by), given_up)| (by, given_up)).collect())
}

/// Whether it was given up.
pub fn is_dead(db: &mut Db, channel: ChannelKind, address: Option<&str>) -> Result<bool> {
    let Some(address) = address else { return Ok(false) };
    let row = dead_addresses::table.find((Code(channel), address));
    Ok(row.select(dead_addresses::address).first::<String>(db).optional()?.is_some())
}
