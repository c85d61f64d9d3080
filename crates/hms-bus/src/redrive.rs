//! A dead letter is sent again: its event goes to the service's own handlers, past the transport, so that no other
//! service gets it once more.

use hms_db::{Db, Result};
use hms_model::id::EventId;

use crate::consumer::ConsumeError;
use crate::dead_letters::{self, DeadLetter, Heading};
use crate::delivery::AfterCommit;
use crate::engine::Engine;

/// What became of a letter that was sent again.
#[derive(Debug)]
pub enum Redriven {
    /// Its effect is there, now or since an earlier delivery, and the letter is gone. Hand this to
    /// [`RunningBus::after_commit`](crate::RunningBus::after_commit) once the transaction has committed.
    Taken(AfterCommit),
    /// It was not taken, for this reason, which may quote the event. The letter stays and has the reason.
    Refused(String),
}

/// Sends a letter again as a part of the transaction that is open; gives back what was known of it too. Of two who try at the same time one waits, and
/// then finds no letter. An error means that nothing is known but that the database is away.
pub(crate) fn redrive(engine: &Engine, db: &mut Db, id: EventId) -> Result<(Heading, Redriven)> {
    let letter = dead_letters::lock(db, id)?;
    match attempt(engine, db, &letter) {
        Ok(after) => {
            dead_letters::remove(db, id)?;
            Ok((letter.heading, Redriven::Taken(after)))
        }
        Err(ConsumeError::Away(error)) => Err(error),
        Err(error) => {
            let reason = error.reason();
            dead_letters::refuse(db, id, &reason, engine.now())?;
            Ok((letter.heading, Redriven::Refused(reason)))
        }
    }
}

fn attempt(
    engine: &Engine,
    db: &mut Db,
    letter: &DeadLetter,
) -> std::result::Result<AfterCommit, ConsumeError> {
    let envelope = letter.envelope().map_err(unreadable)?;
    engine.take_within(db, &envelope)
}

/// Why there is no event in a message.
pub(crate) fn unreadable(error: serde_json::Error) -> ConsumeError {
    ConsumeError::Reject(format!("the envelope cannot be read: {error}"))
}
