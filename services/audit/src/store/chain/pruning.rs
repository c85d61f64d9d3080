//! Taking away the beginning of the chain.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use hms_db::{At, Db, Result};
use hms_model::event::AuditCheckpoint;

use super::{lock_head, save_head, sign};
use crate::domain::chain::{Head, LONGEST_RUN, Place, SignedCheckpoint};
use crate::schema::{checkpoints, entries, entry_patients, prunings};
use crate::store::keys;

/// Why nothing is pruned although it is old.
#[derive(Debug, thiserror::Error)]
pub enum PruneError {
    /// The checkpoint that would end the pruned part is not what was signed.
    #[error("the checkpoint {0} is not what was signed; nothing is pruned")]
    Unsigned(i64),
    /// The database.
    #[error(transparent)]
    Database(#[from] hms_db::Error),
}

/// Takes away a part of the beginning that was signed before `before`, at most a thousand entries; says up to which
/// entry, or none when nothing is that old. A new checkpoint, which is given back too, says where the chain begins now.
pub fn prune(
    db: &mut Db,
    before: DateTime<Utc>,
    now: DateTime<Utc>,
) -> std::result::Result<Option<(i64, AuditCheckpoint)>, PruneError> {
    let mut head = lock_head(db)?;
    let Some((number, signed)) = old_checkpoint(db, &head, before)? else { return Ok(None) };
    // What somebody wrote into the columns must not make us delete what is not old.
    let statement = signed.read().filter(|statement| statement.at < before);
    let key = statement.as_ref().map(|statement| keys::find(db, &statement.key)).transpose()?.flatten();
    let statement = statement.filter(|_| key.is_some_and(|key| key.verifies(&signed)));
    let statement = statement.ok_or(PruneError::Unsigned(number))?;
    head.boundary = Place { hash: statement.hash, seq: statement.seq };
    delete_up_to(db, statement.seq, now)?;
    let signed = sign(db, None, &mut head, now)?;
    let outlived = checkpoints::seq.le(statement.seq).and(checkpoints::number.lt(head.checkpoint.number));
    diesel::delete(checkpoints::table.filter(outlived)).execute(db).map_err(hms_db::Error::from)?;
    save_head(db, &head)?;
    Ok(Some((statement.seq, signed)))
}

/// The furthest checkpoint that is old and leaves little enough to delete at a time. There is one wherever there is
/// an old one at all, since no two are further apart.
fn old_checkpoint(
    db: &mut Db,
    head: &Head,
    before: DateTime<Utc>,
) -> Result<Option<(i64, SignedCheckpoint)>> {
    let row: Option<(i64, String, String)> = checkpoints::table
        .filter(
            checkpoints::seq.gt(head.boundary.seq).and(checkpoints::seq.le(head.boundary.seq + LONGEST_RUN)),
        )
        .filter(checkpoints::at.lt(At(before)))
        .order((checkpoints::seq.desc(), checkpoints::number.desc()))
        .select((checkpoints::number, checkpoints::statement, checkpoints::signature))
        .first(db)
        .optional()?;
    Ok(row.map(|(number, statement, signature)| (number, SignedCheckpoint { statement, signature })))
}

/// The row in `prunings` is what lets the rows go: the tables refuse to delete any other.
fn delete_up_to(db: &mut Db, seq: i64, now: DateTime<Utc>) -> Result<()> {
    let values = (prunings::seq.eq(seq), prunings::at.eq(At(now)));
    diesel::insert_into(prunings::table).values(values).execute(db)?;
    diesel::delete(entry_patients::table.filter(entry_patients::seq.le(seq))).execute(db)?;
    diesel::delete(entries::table.filter(entries::seq.le(seq))).execute(db)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use diesel::connection::SimpleConnection;
    use hms_db::{Backend, Database, PoolOptions};
    use hms_model::audit::{Action, Actor, AuditEntry, Outcome};
    use hms_model::id::Id;
    use hms_testkit::database::TestDatabase;

    use super::*;
    use crate::store::chain::{append, head, sign_if_due};

    fn act(at: DateTime<Utc>) -> AuditEntry {
        AuditEntry {
            id: Id::new(at),
            at,
            service: "user".into(),
            actor: Actor { account_id: None, roles: vec![] },
            action: Action::Read,
            resource: "patient".into(),
            resource_id: None,
            patient_ids: vec![],
            outcome: Outcome::Success,
            detail: None,
            request_id: None,
            source_ip: None,
        }
    }

    /// Somebody wants the service to take away what is not old.
    fn false_date(backend: Backend) -> &'static str {
        match backend {
            Backend::Postgres => {
                "SET LOCAL session_replication_role = replica;
                 UPDATE checkpoints SET at = '2001-01-01T00:00:00.000000Z'"
            }
            Backend::Sqlite => {
                "DROP TRIGGER checkpoints_update; UPDATE checkpoints SET at = '2001-01-01T00:00:00.000000Z'"
            }
        }
    }

    hms_testkit::on_both_back_ends! {
        async fn only_the_date_that_was_signed_makes_an_entry_old(backend) {
            let migrations = hms_service::all_migrations::<crate::Service>();
            let own = TestDatabase::new(backend, "audit", &migrations).await;
            let database = Database::new(own.url.clone(), PoolOptions::default());
            let key = crate::signer::make().unwrap();
            let outcome = database.write(move |db| {
                let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
                let (earlier, later) = (now - TimeDelta::days(30), now + TimeDelta::days(30));
                keys::insert_first(db, &key, now)?;
                append(db, &[act(now)], now)?;
                assert!(sign_if_due(db, now + TimeDelta::minutes(1))?.is_some());
                assert!(sign_if_due(db, later)?.is_none(), "nothing new");
                assert_eq!(prune(db, earlier, later)?, None);
                db.batch_execute(false_date(backend)).map_err(hms_db::Error::from)?;
                assert!(matches!(prune(db, earlier, later), Err(PruneError::Unsigned(1))));
                assert_eq!(prune(db, later, later)?.map(|(seq, signed)| (seq, signed.number)), Some((1, 2)));
                assert_eq!(prune(db, later, later)?, None, "the new checkpoint is not that old");
                Ok::<_, PruneError>(head(db)?)
            });
            let head = outcome.await.unwrap();
            assert_eq!((head.tip.seq, head.boundary.seq, head.checkpoint.number), (1, 1, 2));
        }
    }
}
