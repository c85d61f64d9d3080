//! Browsers and devices that have asked for messages, and where these go: sealed.

use chrono::{DateTime, Utc};
use diesel::dsl::count_star;
use diesel::prelude::*;
use hms_api::{List, Page};
use hms_care::{Carer, Sight, in_care};
use hms_db::{At, Db, InsertExt, KeepExt, Key, LockExt, MultiBackend, Result, compare, each};
use hms_model::Secret;
use hms_model::id::{AccountId, PatientId, PushSubscriptionId};
use hms_model::role::Reach;

use crate::api::push_subscriptions::list::SubscriptionFilters;
use crate::device_seal::DeviceSeal;
use crate::domain::{PushTarget, Subscription};
use crate::schema::push_subscriptions as subscriptions;

const WEB: &str = "web";
const FCM: &str = "fcm";

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = subscriptions)]
struct Row {
    id: Key,
    patient_id: Key,
    account_id: Key,
    kind: String,
    address: String,
    p256dh: Option<String>,
    auth: Option<String>,
    created_at: At,
    sealed: Option<String>,
}

/// Writes a subscription. One of the same browser or app takes the place of the former: whoever signed in there last gets
/// its messages.
pub fn put(db: &mut Db, seal: &DeviceSeal, subscription: &Subscription) -> Result<()> {
    let row = Row::of(seal, subscription)?;
    let clear = subscription.target.address().expose().to_owned();
    let same = subscriptions::table.filter(subscriptions::address.eq_any([row.address.clone(), clear]));
    diesel::delete(same).execute(db)?;
    diesel::insert_into(subscriptions::table).values(row).or_ignore().execute(db)?;
    Ok(())
}

/// Seals what a former version has written in the clear, at most so many rows; says how many there were.
pub fn seal_some(db: &mut Db, seal: &DeviceSeal, most: i64) -> Result<usize> {
    let clear = subscriptions::table.filter(subscriptions::sealed.is_null());
    let query = clear.order(subscriptions::id).limit(most).select(Row::as_select()).lock_skip(db);
    let rows: Vec<Row> = query.load(db)?;
    let found = rows.len();
    for row in rows {
        let id = row.id;
        diesel::delete(subscriptions::table.find(id)).execute(db)?;
        // What is none, nothing could ever be sent to.
        let Some(subscription) = row.subscription(seal) else { continue };
        let row = Row::of(seal, &subscription)?;
        // A newer one of the same browser may be there already.
        diesel::insert_into(subscriptions::table).values(row).or_ignore().execute(db)?;
    }
    Ok(found)
}

/// Those of these patients, latest first.
pub fn of(db: &mut Db, seal: &DeviceSeal, patients: &[PatientId]) -> Result<Vec<Subscription>> {
    if patients.is_empty() {
        return Ok(Vec::new());
    }
    let patients: Vec<Key> = patients.iter().copied().map(Key::from).collect();
    let rows: Vec<Row> = each!(db, connection => {
        subscriptions::table
            .filter(subscriptions::patient_id.eq_any(patients))
            .order(subscriptions::id.desc())
            .select(Row::as_select())
            .load(connection)
    })?;
    Ok(rows.into_iter().filter_map(|row| row.subscription(seal)).collect())
}

/// One page of those that match and that the caller may see.
pub fn list(
    db: &mut Db,
    (list, seal): (&List<SubscriptionFilters>, &DeviceSeal),
    sight: &Sight,
    now: DateTime<Utc>,
) -> Result<Page<Subscription>> {
    let (reach, carer) = (sight.reach(), sight.carer(db)?);
    let matching = || matching(&list.filters, (reach, carer.as_ref()), now);
    let query = hms_service::page!(matching(), list, subscriptions::id, { "created_at" => subscriptions::created_at });
    let rows: Vec<Row> = query.select(Row::as_select()).load(db)?;
    let count = match list.must_count(rows.len()) {
        true => Some(matching().count().get_result(db)?),
        false => list.count_known(rows.len()),
    };
    let found = rows.into_iter().filter_map(|row| row.subscription(seal)).collect();
    Ok(Page::new(list, found, count, |subscription| subscription.id.uuid()))
}

fn matching(
    filters: &SubscriptionFilters,
    (reach, carer): (Reach, Option<&Carer>),
    now: DateTime<Utc>,
) -> subscriptions::BoxedQuery<'static, MultiBackend> {
    let mut query = subscriptions::table.into_boxed();
    let own: Option<Vec<Key>> = match reach {
        Reach::Everyone => None,
        Reach::Own { patient_id, .. } => Some(patient_id.into_iter().map(Key::from).collect()),
        // A subscription belongs to no department.
        Reach::Department { .. } => Some(Vec::new()),
    };
    if let Some(own) = own {
        query = query.filter(subscriptions::patient_id.eq_any(own));
    }
    if let Some(carer) = carer {
        query = query.filter(in_care!(subscriptions::patient_id, carer, now));
    }
    query = compare!(query, subscriptions::patient_id, filters.patient_id, |id| Key::from(id));
    compare!(query, subscriptions::created_at, filters.created_at, |at| At(at))
}

/// How many a patient has.
pub fn count(db: &mut Db, patient: PatientId) -> Result<i64> {
    let own = subscriptions::table.filter(subscriptions::patient_id.eq(Key::from(patient)));
    Ok(own.select(count_star()).first(db)?)
}

/// Whose the subscription of this id is.
pub fn owner(db: &mut Db, id: PushSubscriptionId) -> Result<PatientId> {
    let patient: Key =
        subscriptions::table.find(Key::from(id)).select(subscriptions::patient_id).first(db)?;
    Ok(patient.into())
}

/// Takes some away.
pub fn remove_all(db: &mut Db, ids: &[PushSubscriptionId]) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let ids: Vec<Key> = ids.iter().copied().map(Key::from).collect();
    diesel::delete(subscriptions::table.filter(subscriptions::id.eq_any(ids))).kept().execute(db)?;
    Ok(())
}

/// Takes one away.
pub fn remove(db: &mut Db, id: PushSubscriptionId) -> Result<()> {
    diesel::delete(subscriptions::table.find(Key::from(id))).execute(db)?;
    Ok(())
}

impl Row {
    fn of(seal: &DeviceSeal, subscription: &Subscription) -> Result<Self> {
        let sealed = seal.seal(subscription.id, &subscription.target);
        Ok(Self {
            id: subscription.id.into(),
            patient_id: subscription.patient_id.into(),
            account_id: subscription.account_id.into(),
            kind: WEB.to_owned(),
            address: seal.fingerprint(&subscription.target),
            p256dh: None,
            auth: None,
            created_at: subscription.created_at.into(),
            sealed: Some(sealed.map_err(|error| hms_db::Error::Other(error.into()))?),
        })
    }

    fn subscription(self, seal: &DeviceSeal) -> Option<Subscription> {
        let id: PushSubscriptionId = self.id.into();
        let target = match self.sealed {
            Some(sealed) => seal.open_sealed(id, &sealed),
            None => clear(&self.kind, self.address, self.p256dh.zip(self.auth)),
        };
        if target.is_none() {
            tracing::warn!(push_subscription = %id, "where it leads cannot be read: its key is another one");
        }
        let (patient_id, account_id): (PatientId, AccountId) =
            (self.patient_id.into(), self.account_id.into());
        let created_at: DateTime<Utc> = self.created_at.into();
        Some(Subscription { id, patient_id, account_id, target: target?, created_at })
    }
}

/// The target of a row that a former version has written.
fn clear(kind: &str, address: String, keys: Option<(String, String)>) -> Option<PushTarget> {
    let address = Secret::new(address);
    match kind {
        FCM => Some(PushTarget::Fcm { token: address }),
        _ => {
            let (p256dh, auth) = keys?;
            Some(PushTarget::Web { endpoint: address, p256dh, auth: Secret::new(auth) })
        }
    }
}
