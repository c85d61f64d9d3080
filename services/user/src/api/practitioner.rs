//! Practitioners.

pub mod create;
pub mod delete;
pub mod get;
pub mod list;
pub mod patch;
pub mod put;

use chrono::{DateTime, Utc};
use hms_model::audit::Action;
use hms_model::event::PractitionerUpdated;
use hms_model::id::{AccountId, DepartmentId, PractitionerId};
use hms_model::{Email, Identifier, Phone, Text};
use hms_problem::Problem;
use hms_service::{Act, Reply, Work};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::{Change, Gender, PersonName, Practitioner, Refusal, Status};
use crate::events::practitioner_facts;
use crate::store;

pub use list::PractitionerFilters;

/// A practitioner as clients see them.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Practitioner)]
pub struct PractitionerView {
    /// The id.
    pub id: PractitionerId,
    /// Whether they work here at present.
    pub status: Status,
    /// The given names.
    pub given_name: PersonName,
    /// The family name.
    pub family_name: PersonName,
    /// What stands before the name.
    pub prefix: Option<Text<1, 50>>,
    /// The administrative gender.
    pub gender: Option<Gender>,
    /// What they are trained in.
    pub specialty: Option<Text<1, 200>>,
    /// The department they belong to.
    pub department_id: Option<DepartmentId>,
    /// Where a call reaches them.
    pub phone: Option<Phone>,
    /// Where mail reaches them.
    pub email: Option<Email>,
    /// What other systems call them.
    pub identifiers: Vec<Identifier>,
    /// Their own account.
    pub account_id: Option<AccountId>,
    /// Counts the changes; the entity tag.
    pub version: i64,
    /// When the record was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

impl From<Practitioner> for PractitionerView {
    fn from(practitioner: Practitioner) -> Self {
        let details = practitioner.details;
        Self {
            id: practitioner.id,
            status: practitioner.status,
            given_name: details.given_name,
            family_name: details.family_name,
            prefix: details.prefix,
            gender: details.gender,
            specialty: details.specialty,
            department_id: details.department_id,
            phone: details.phone,
            email: details.email,
            identifiers: details.identifiers,
            account_id: practitioner.account_id,
            version: practitioner.version,
            created_at: practitioner.created_at,
            updated_at: practitioner.updated_at,
        }
    }
}

/// The answer that shows one practitioner.
fn shown(practitioner: Practitioner) -> Result<Reply, Problem> {
    let version = practitioner.version;
    Ok(Reply::ok(&PractitionerView::from(practitioner))?.version(version))
}

/// Changes a practitioner as `decide` says: loads, decides, saves, tells others and the audit.
fn change(
    work: &mut Work<'_>,
    id: PractitionerId,
    action: Action,
    decide: impl FnOnce(&Practitioner, DateTime<Utc>) -> Result<Change<Practitioner>, Refusal>,
) -> Result<Practitioner, Problem> {
    let before = store::practitioner::lock(work.db, id)?;
    work.check_version(before.version)?;
    let change = decide(&before, work.now)?;
    if !change.fields.is_empty() {
        store::practitioner::update(work.db, &before, &change.after)?;
        work.publish(&PractitionerUpdated(practitioner_facts(&change.after)))?;
    }
    work.audit(Act::new(action, "practitioner").on(id).detail(change.in_words()))?;
    Ok(change.after)
}
