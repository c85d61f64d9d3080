//! `Idempotency-Key`: same key and same body gives the first answer again. The record lives in the transaction of
//! its effect, so that it is there exactly when the effect is.
//!
//! Nearly every key is new. So a unit of work begins without a look at it and ends with its one record; where there is one
//! already, or the unit is refused (a repetition mostly is, by what the first one did), all of it is rolled back and the first
//! answer looked up.

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
    status: Option<i64>,
    answer: Option<Json>,
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

    /// The first answer to this key, once there is one; 422 when it was to another body.
    pub fn first_answer(&self, db: &mut Db) -> Result<Option<Answer>, Problem> {
        let kept: Option<(String, Option<Json>)> = idempotency_keys::table
            .find((&self.caller, &self.operation, &self.key))
            .select((idempotency_keys::fingerprint, idempotency_keys::answer))
            .first(db)
            .optional()
            .map_err(hms_db::Error::from)?;
        let Some((fingerprint, answer)) = kept else { return Ok(None) };
        if fingerprint != self.fingerprint {
            return Err(Problem::new(Code::IdempotencyMismatch));
        }
        let answer = answer.ok_or_else(|| Problem::new(Code::IdempotencyInFlight))?;
        let answer: Answer = serde_json::from_value(answer.0).map_err(|error| {
            tracing::error!(%error, "a kept answer cannot be read");
            Problem::new(Code::Internal)
        })?;
        Ok(Some(Answer { replayed: true, ..answer }))
    }

    /// Keeps the answer beside the effect, as the last thing of a unit of work; a refusal that commits is not kept. False when
    /// there is an answer already: then there must be no second effect.
    pub fn keep(&self, db: &mut Db, reply: &Reply, now: DateTime<Utc>) -> Result<bool, Problem> {
        let answer = match reply {
            Reply::Refused(_) => return Ok(self.first_answer(db)?.is_none()),
            Reply::Done(answer) => answer,
        };
        let new = NewKey {
            caller: &self.caller,
            operation: &self.operation,
            idempotency_key: &self.key,
            fingerprint: &self.fingerprint,
            status: Some(i64::from(answer.status)),
            answer: Some(Json(serde_json::to_value(answer).unwrap_or_default())),
            created_at: now.into(),
        };
        // Another process that does the same makes this wait until it has committed or rolled back.
        let kept = diesel::insert_into(idempotency_keys::table).values(&new).or_ignore().kept().execute(db);
        Ok(kept.map_err(hms_db::Error::from)? == 1)
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
