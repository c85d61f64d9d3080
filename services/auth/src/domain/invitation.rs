//! Invitations: how staff get an account without anyone else knowing their password.

use chrono::{DateTime, Utc};
use hms_model::id::{AccountId, PatientId, PractitionerId};
use hms_model::role::Role;
use hms_model::{LanguageTag, coded_enum};
use serde::Serialize;
use utoipa::ToSchema;

use super::account::NewAccount;
use super::one_time::INVITATION;

coded_enum! {
    /// What has become of an invitation.
    pub enum InvitationStatus {
        /// It can be accepted until it expires.
        Open = "open",
        /// The account was made.
        Accepted = "accepted",
        /// It was taken back, or another one took its place.
        Withdrawn = "withdrawn",
    }
}

/// An invitation as the admins see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Invitation {
    /// Its id, which the account will have.
    pub id: AccountId,
    /// Where the mail went; the address of the account.
    pub email: String,
    /// What its holder will be.
    pub roles: Vec<Role>,
    /// The patient who will be the holder.
    pub patient_id: Option<PatientId>,
    /// The practitioner who will be the holder.
    pub practitioner_id: Option<PractitionerId>,
    /// The language of the mail, and of the account.
    pub language: Option<LanguageTag>,
    /// What has become of it.
    pub status: InvitationStatus,
    /// The account that invited.
    pub invited_by: AccountId,
    /// When.
    pub created_at: DateTime<Utc>,
    /// Until when it can be accepted.
    pub expires_at: DateTime<Utc>,
}

impl Invitation {
    /// Invites for an account.
    pub fn new(new: NewAccount, id: AccountId, invited_by: AccountId, now: DateTime<Utc>) -> Self {
        Self {
            id,
            email: new.email.into(),
            roles: new.roles,
            patient_id: new.patient_id,
            practitioner_id: new.practitioner_id,
            language: new.language,
            status: InvitationStatus::Open,
            invited_by,
            created_at: now,
            expires_at: now + INVITATION,
        }
    }
}
