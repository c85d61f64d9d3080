//! Sends again what came to its end, to the address and with the words of today.

use chrono::{DateTime, Utc};
use hms_db::{Db, Result};

use crate::domain::Message;
use crate::drafting::renewed;
use crate::house::House;
use crate::store::{dead_addresses, messages};

/// What became of it.
pub enum Renewed {
    /// It is pending once more, and has no job yet.
    Again(Message),
    /// There is nowhere to send it, or no use in it.
    Nowhere,
}

/// Makes a message pending once more.
pub fn renew(db: &mut Db, house: &House, message: Message, now: DateTime<Utc>) -> Result<Renewed> {
    if message.expires_at.is_some_and(|end| end <= now) {
        return Ok(Renewed::Nowhere);
    }
    let Some((subject, letter)) = renewed(db, house, &message)? else { return Ok(Renewed::Nowhere) };
    if dead_addresses::is_dead(db, message.channel, Some(&letter.recipient))? {
        return Ok(Renewed::Nowhere);
    }
    let message = Message { subject, letter: Some(letter), ..message.again(now) };
    let Some(message) = messages::save(db, message)? else { return Ok(Renewed::Nowhere) };
    Ok(Renewed::Again(message))
}
