//! One unit of work, one transaction.

use diesel::RunQueryDsl;
use diesel::connection::{AnsiTransactionManager, Connection, TransactionManager};

use crate::pool::{Pool, Pooled};
use crate::{Db, Error, Result};

type Manager = <Db as Connection>::TransactionManager;

/// Runs `work` in a transaction: committed when it succeeds, rolled back when it fails.
pub(crate) fn write<T, E: From<Error>>(
    pool: &Pool,
    connection: &mut Pooled,
    work: impl FnOnce(&mut Db) -> std::result::Result<T, E>,
) -> std::result::Result<T, E> {
    begin(pool, connection)?;
    match work(&mut connection.db) {
        Ok(value) => {
            commit(connection)?;
            Ok(value)
        }
        Err(error) => {
            // Should this fail too, the pool sees that the connection is still in a transaction and drops it.
            let _ = Manager::rollback_transaction(&mut connection.db);
            Err(error)
        }
    }
}

/// Runs `work` without a transaction around it.
pub(crate) fn at_once<T, E>(
    pool: &Pool,
    connection: &mut Pooled,
    work: &impl Fn(&mut Db) -> std::result::Result<T, E>,
) -> std::result::Result<T, E>
where
    E: From<Error>,
{
    let done = work(&mut connection.db);
    if done.is_err() && connection.is_used() && connection.is_lost() {
        pool.forget_idle();
        *connection = pool.open()?;
        return work(&mut connection.db);
    }
    done
}

/// Nothing has been done yet: where the server has hung up in the meantime, a new connection does as well.
fn begin(pool: &Pool, connection: &mut Pooled) -> Result<()> {
    let begun = begin_on(&mut connection.db);
    if begun.is_err() && connection.is_used() && connection.is_lost() {
        pool.forget_idle();
        *connection = pool.open()?;
        return begin_on(&mut connection.db);
    }
    begun
}

/// IMMEDIATE on SQLite: a transaction that reads first and then wants to write could not wait for its turn.
pub(crate) fn begin_on(db: &mut Db) -> Result<()> {
    match db {
        Db::Pg(connection) => AnsiTransactionManager::begin_transaction(connection)?,
        Db::Sqlite(connection) => {
            AnsiTransactionManager::begin_transaction_sql(connection, "BEGIN IMMEDIATE")?
        }
    }
    Ok(())
}

/// A failed statement spoils the whole transaction on PostgreSQL, whose COMMIT then rolls back and says nothing of
/// it. So a unit of work that went on in spite of an error is asked for once more.
fn commit(connection: &mut Pooled) -> Result<()> {
    if connection.has_failed() && matches!(connection.db, Db::Pg(_)) {
        let sound = diesel::sql_query("SELECT 1").execute(&mut connection.db);
        if let Err(error) = sound {
            let _ = Manager::rollback_transaction(&mut connection.db);
            return Err(error.into());
        }
    }
    commit_on(&mut connection.db)
}

/// Ends a transaction that [`begin_on`] has begun.
pub(crate) fn commit_on(db: &mut Db) -> Result<()> {
    Ok(Manager::commit_transaction(db)?)
}
