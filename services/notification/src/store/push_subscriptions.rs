//! Browsers and devices that have asked for messages.

use chrono::{DateTime, Utc};
use diesel::dsl::count_star;
use diesel::prelude::*;
use hms_api::{List, Page};
use hms_care::{Carer, Sight, in_care};
use hms_db::{At, Db, InsertExt, Key, MultiBackend, Result, compare};
use hms_model::Secret;
use hms_model::id::{AccountId, PatientId, PushSubscriptionId};
use hms_model::role::Reach;

use crate::api::push_subscriptions::list::SubscriptionFilters;
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
}

/// Writes a subscription. One of the same browser or app takes the place of the former: whoever signed in there last gets
/// its messages.
pub fn put(db: &mut Db, subscription: &Subscription) -> Result<()> {
    let row = Row::of(subscription);
    let same = subscriptions::table.filter(subscriptions::address.eq(row.address.clone()));
    diesel::delete(same).execute(db)?;
    diesel::insert_into(subscriptions::table).values(row).or_ignore().execute(db)?;
    Ok(())
}

/// Those of a patient, latest first.
pub fn of(db: &mut Db, patient: PatientId) -> Result<Vec<Subscription>> {
    let rows: Vec<Row> = subscriptions::table
        .filter(subscriptions::patient_id.eq(Key::from(patient)))
        .order(subscriptions::id.desc())
        .select(Row::as_select())
        .load(db)?;
    Ok(rows.into_iter().filter_map(Row::subscription).collect())
}

/// One page of those that match and that the caller may see.
pub fn list(
    db: &mut Db,
    list: &List<SubscriptionFilters>,
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
    let found = rows.into_iter().filter_map(Row::subscription).collect();
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

/// The subscription of this id.
pub fn find(db: &mut Db, id: PushSubscriptionId) -> Result<Subscription> {
    let row: Row = subscriptions::table.find(Key::from(id)).select(Row::as_select()).first(db)?;
    row.subscription().ok_or(hms_db::Error::NotFound)
}

/// Takes one away.
pub fn remove(db: &mut Db, id: PushSubscriptionId) -> Result<()> {
    diesel::delete(subscriptions::table.find(Key::from(id))).execute(db)?;
    Ok(())
}

impl Row {
    fn of(subscription: &Subscription) -> Self {
        let (kind, address, p256dh, auth) = match &subscription.target {
            PushTarget::Web { endpoint, p256dh, auth } => {
                (WEB, endpoint, Some(p256dh.clone()), Some(auth.expose().to_owned()))
            }
            PushTarget::Fcm { token } => (FCM, token, None, None),
        };
        Self {
            id: subscription.id.into(),
            patient_id: subscription.patient_id.into(),
            account_id: subscription.account_id.into(),
            kind: kind.to_owned(),
            address: address.expose().to_owned(),
            p256dh,
            auth,
            created_at: subscription.created_at.into(),
        }
    }

    fn subscription(self) -> Option<Subscription> {
        let address = Secret::new(self.address);
        let target = match self.kind.as_str() {
            FCM => PushTarget::Fcm { token: address },
            _ => PushTarget::Web { endpoint: address, p256dh: self.p256dh?, auth: Secret::new(self.auth?) },
        };
        let (patient_id, account_id): (PatientId, AccountId) =
            (self.patient_id.into(), self.account_id.into());
        let created_at: DateTime<Utc> = self.created_at.into();
        Some(Subscription { id: self.id.into(), patient_id, account_id, target, created_at })
    }
}
