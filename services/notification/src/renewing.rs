//! Sends again what came to its end, to the address and with the words of today.

use chrono::{DateTime, Utc};
use hms_db::{Db, Result};

use crate::domain::Message;
use crate::drafting::renewed;
use crate::house::House;
use crate::store::{dead_addresses, messages};

/// Makes a message pending once more; it has no job yet. None where there is nowhere to send it, or no use in it.
pub fn renew(db: &mut Db, house: &House, message: Message, now: DateTime<Utc>) -> Result<Option<Message>> {
    if message.expires_at.is_some_and(|end| end <= now) {
        return Ok(None);
    }
    let Some((subject, letter)) = renewed(db, house, &message)? else { return Ok(None) };
    if dead_addresses::is_dead(db, message.channel, Some(&letter.recipient))? {
        return Ok(None);
    }
    messages::save(db, Message { subject, letter: Some(letter), ..message.again(now) })
}
