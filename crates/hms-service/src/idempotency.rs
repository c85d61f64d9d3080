//! `Idempotency-Key`: same key and same body gives the first answer again. The record lives in the transaction of
//! its effect, so that it is there exactly when the effect is.

use std::collections::HashSet;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use hms_api::{Fingerprint, RequestInfo};
use hms_db::sql::{Doc, Tstz};
use hms_db::{At, Db, InsertExt, Json, KeepExt};
use hms_model::audit::Actor;
use hms_problem::{Code, Problem};
use parking_lot::Mutex;

use crate::reply::{Answer, Reply};

/// How long a key is remembered.
const KEPT: TimeDelta = TimeDelta::hours(24);

diesel::table! {
    use diesel::sql_types::*;
    use super::{Doc, Tstz};
    idempotency_keys (caller, operation, idempotency_key) {
        caller -> Text,
        operation -> Text,
        idempotency_key -> Text,
        fingerprint -> Text,
        status -> Nullable<BigInt>,
        answer -> Nullable<Doc>,
        created_at -> Tstz,
    }
}

#[derive(Insertable)]
#[diesel(table_name = idempotency_keys)]
struct NewKey<'a> {
    caller: &'a str,
    operation: &'a str,
    idempotency_key: &'a str,
    fingerprint: &'a str,
    created_at: At,
}

/// A key with all that it belongs to.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    caller: String,
    operation: String,
    key: String,
    fingerprint: String,
}

impl Key {
    /// The key of a request, if it carries one.
    pub fn of(info: &RequestInfo, actor: &Actor) -> Option<Self> {
        let caller = actor.account_id.map_or_else(|| "anonymous".to_owned(), |id| id.to_string());
        info.idempotency_key.clone().map(|key| Self {
            caller,
            operation: info.operation.clone(),
            key,
            fingerprint: hex(info.fingerprint),
        })
    }

    /// Claims the key. A repetition gets the first answer, or 422 when its body is another one.
    pub fn claim(&self, db: &mut Db, now: DateTime<Utc>) -> Result<Option<Answer>, Problem> {
        let new = NewKey {
            caller: &self.caller,
            operation: &self.operation,
            idempotency_key: &self.key,
            fingerprint: &self.fingerprint,
            created_at: now.into(),
        };
        // Another process that holds the key makes this wait until it has committed or rolled back.
        let claimed =
            diesel::insert_into(idempotency_keys::table).values(&new).or_ignore().kept().execute(db);
        if claimed.map_err(hms_db::Error::from)? == 1 {
            return Ok(None);
        }
        let (fingerprint, answer): (String, Option<Json>) = idempotency_keys::table
            .find((&self.caller, &self.operation, &self.key))
            .select((idempotency_keys::fingerprint, idempotency_keys::answer))
            .first(db)
            .map_err(hms_db::Error::from)?;
        if fingerprint != self.fingerprint {
            return Err(Problem::new(Code::IdempotencyMismatch));
        }
        let answer = answer.ok_or_else(|| Problem::new(Code::IdempotencyInFlight))?;
        serde_json::from_value(answer.0).map(Some).map_err(|error| {
            tracing::error!(%error, "a kept answer cannot be read");
            Problem::new(Code::Internal)
        })
    }

    /// Keeps the answer beside the effect; a refusal that commits frees the key again.
    pub fn keep(&self, db: &mut Db, reply: &Reply) -> Result<(), Problem> {
        let row = idempotency_keys::table.find((&self.caller, &self.operation, &self.key));
        match reply {
            Reply::Refused(_) => diesel::delete(row).kept().execute(db).map_err(hms_db::Error::from)?,
            Reply::Done(answer) => {
                let json = serde_json::to_value(answer).unwrap_or_default();
                let kept = (
                    idempotency_keys::status.eq(Some(i64::from(answer.status))),
                    idempotency_keys::answer.eq(Some(Json(json))),
                );
                diesel::update(row).set(kept).kept().execute(db).map_err(hms_db::Error::from)?
            }
        };
        Ok(())
    }

    /// Marks the key as being worked on in this process; 409 when it is already.
    pub fn enter(&self, in_flight: &Arc<Mutex<HashSet<String>>>) -> Result<InFlight, Problem> {
        let name = [self.caller.as_str(), &self.operation, &self.key].join("\n");
        if in_flight.lock().insert(name.clone()) {
            Ok(InFlight { name, all: in_flight.clone() })
        } else {
            Err(Problem::new(Code::IdempotencyInFlight))
        }
    }
}

/// A key that is being worked on, until this is dropped.
pub(crate) struct InFlight {
    name: String,
    all: Arc<Mutex<HashSet<String>>>,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.all.lock().remove(&self.name);
    }
}

/// Forgets the keys that are older than a day.
pub(crate) fn prune(db: &mut Db, now: DateTime<Utc>) -> hms_db::Result<usize> {
    let old = idempotency_keys::table.filter(idempotency_keys::created_at.lt(At::from(now - KEPT)));
    Ok(diesel::delete(old).execute(db)?)
}

fn hex(fingerprint: Fingerprint) -> String {
    fingerprint.0.iter().map(|byte| format!("{byte:02x}")).collect()
}
