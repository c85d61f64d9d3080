//! Who shall get an account.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use hms_api::List;
use hms_db::{At, Code, Db, Error, Key, MultiBackend, Result, compare};
use hms_model::Coded;
use hms_model::id::AccountId;
use hms_model::role::Role;

use crate::api::accounts::invitations::list::InvitationFilters;
use crate::domain::invitation::{Invitation, InvitationStatus};
use crate::schema::invitations;

/// For how long an invitation that led to nothing is kept.
const KEPT: chrono::TimeDelta = chrono::TimeDelta::days(90);

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = invitations)]
struct Row {
    id: Key,
    email: String,
    roles: String,
    patient_id: Option<Key>,
    practitioner_id: Option<Key>,
    status: Code<InvitationStatus>,
    invited_by: Key,
    created_at: At,
    expires_at: At,
    language: Option<String>,
}

/// Keeps an invitation with the hash of its token. One that is open for the same address is [`Error::Unique`].
pub fn insert(db: &mut Db, invitation: &Invitation, hash: &str) -> Result<()> {
    let row = Row::of(invitation);
    diesel::insert_into(invitations::table).values((row, invitations::token_hash.eq(hash))).execute(db)?;
    Ok(())
}

/// Whether an error says that there is an open invitation for the address.
pub fn is_open_already(error: &Error) -> bool {
    // SQLite names the columns of the index instead of the index.
    matches!(error, Error::Unique { constraint: Some(constraint), .. }
        if constraint == "invitations_open_key" || constraint.contains("invitations.email"))
}

/// Withdraws the open invitations for an address that have expired, so that there can be another one.
pub fn withdraw_expired(db: &mut Db, email: &str, now: DateTime<Utc>) -> Result<()> {
    let expired = invitations::table
        .filter(invitations::email.eq(email))
        .filter(invitations::status.eq(Code(InvitationStatus::Open)))
        .filter(invitations::expires_at.le(At::from(now)));
    let withdrawn = invitations::status.eq(Code(InvitationStatus::Withdrawn));
    diesel::update(expired).set(withdrawn).execute(db)?;
    Ok(())
}

/// An invitation by its token, if it can still be accepted.
pub fn find_by_token(db: &mut Db, hash: &str, now: DateTime<Utc>) -> Result<Option<Invitation>> {
    let row: Option<Row> = invitations::table
        .filter(invitations::token_hash.eq(hash))
        .filter(invitations::status.eq(Code(InvitationStatus::Open)))
        .filter(invitations::expires_at.gt(At::from(now)))
        .select(Row::as_select())
        .first(db)
        .optional()?;
    Ok(row.map(Row::invitation))
}

/// Ends an open invitation; of several who do so at once one is told true.
pub fn end(db: &mut Db, id: AccountId, status: InvitationStatus) -> Result<bool> {
    let open =
        invitations::table.find(Key::from(id)).filter(invitations::status.eq(Code(InvitationStatus::Open)));
    Ok(diesel::update(open).set(invitations::status.eq(Code(status))).execute(db)? == 1)
}

/// One page of the invitations, and how many there are in all.
pub fn list(db: &mut Db, list: &List<InvitationFilters>) -> Result<(Vec<Invitation>, Option<i64>)> {
    let matching = || matching(&list.filters);
    let query =
        hms_service::page!(matching(), list, invitations::id, { "created_at" => invitations::created_at });
    let rows: Vec<Row> = query.select(Row::as_select()).load(db)?;
    let count = match list.must_count(rows.len()) {
        true => Some(matching().count().get_result(db)?),
        false => list.count_known(rows.len()),
    };
    Ok((rows.into_iter().map(Row::invitation).collect(), count))
}

fn matching(filters: &InvitationFilters) -> invitations::BoxedQuery<'static, MultiBackend> {
    let query = invitations::table.into_boxed();
    let query = compare!(query, invitations::status, filters.status, |status| Code(status));
    let query = compare!(query, invitations::email, filters.email, |email| String::from(email));
    compare!(query, invitations::created_at, filters.created_at, |at| At(at))
}

/// Forgets everything that is said of this address.
pub fn forget(db: &mut Db, email: &str) -> Result<()> {
    diesel::delete(invitations::table.filter(invitations::email.eq(email))).execute(db)?;
    Ok(())
}

/// Deletes the old ones.
pub fn prune(db: &mut Db, now: DateTime<Utc>) -> Result<usize> {
    let old = invitations::expires_at.le(At::from(now - KEPT));
    Ok(diesel::delete(invitations::table.filter(old)).execute(db)?)
}

impl Row {
    fn of(invitation: &Invitation) -> Self {
        let roles: Vec<_> = invitation.roles.iter().map(|role| role.code()).collect();
        Self {
            id: invitation.id.into(),
            email: invitation.email.clone(),
            roles: roles.join(" "),
            patient_id: invitation.patient_id.map(Key::from),
            practitioner_id: invitation.practitioner_id.map(Key::from),
            status: invitation.status.into(),
            invited_by: invitation.invited_by.into(),
            created_at: invitation.created_at.into(),
            expires_at: invitation.expires_at.into(),
            language: invitation.language.as_ref().map(ToString::to_string),
        }
    }

    fn invitation(self) -> Invitation {
        Invitation {
            id: self.id.into(),
            email: self.email,
            roles: self.roles.split(' ').filter_map(Role::from_code).collect(),
            patient_id: self.patient_id.map(Into::into),
            practitioner_id: self.practitioner_id.map(Into::into),
            status: self.status.0,
            invited_by: self.invited_by.into(),
            created_at: self.created_at.into(),
            expires_at: self.expires_at.into(),
            language: self.language.and_then(|tag| tag.parse().ok()),
        }
    }
}
