//! Departments and sites.

pub mod create;
pub mod delete;
pub mod get;
pub mod list;
pub mod patch;
pub mod put;

use chrono::{DateTime, Utc};
use hms_model::audit::Action;
use hms_model::event::DepartmentUpdated;
use hms_model::id::DepartmentId;
use hms_model::{Identifier, Phone, Text};
use hms_problem::Problem;
use hms_service::{Act, Reply, Work};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::{Address, Change, Department, DepartmentKind, Refusal, Status};
use crate::events::department_facts;
use crate::store;

pub use list::DepartmentFilters;

/// A department as clients see it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Department)]
pub struct DepartmentView {
    /// The id.
    pub id: DepartmentId,
    /// Whether it is in use.
    pub status: Status,
    /// Its name.
    pub name: Text<1, 200>,
    /// What it is.
    pub kind: DepartmentKind,
    /// Where a call reaches it.
    pub phone: Option<Phone>,
    /// Where it stands.
    pub address: Option<Address>,
    /// What other systems call it.
    pub identifiers: Vec<Identifier>,
    /// Counts the changes; the entity tag.
    pub version: i64,
    /// When the record was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

impl From<Department> for DepartmentView {
    fn from(department: Department) -> Self {
        let details = department.details;
        Self {
            id: department.id,
            status: department.status,
            name: details.name,
            kind: details.kind,
            phone: details.phone,
            address: details.address,
            identifiers: details.identifiers,
            version: department.version,
            created_at: department.created_at,
            updated_at: department.updated_at,
        }
    }
}

/// The answer that shows one department.
fn shown(department: Department) -> Result<Reply, Problem> {
    let version = department.version;
    Ok(Reply::ok(&DepartmentView::from(department))?.version(version))
}

/// Changes a department as `decide` says: loads, decides, saves, tells others and the audit.
fn change(
    work: &mut Work<'_>,
    id: DepartmentId,
    action: Action,
    decide: impl FnOnce(&Department, DateTime<Utc>) -> Result<Change<Department>, Refusal>,
) -> Result<Department, Problem> {
    let before = store::department::lock(work.db, id)?;
    work.check_version(before.version)?;
    let change = decide(&before, work.now)?;
    if !change.fields.is_empty() {
        store::department::update(work.db, &before, &change.after)?;
        work.publish(&DepartmentUpdated(department_facts(&change.after)))?;
    }
    work.audit(Act::new(action, "department").on(id).detail(change.in_words()))?;
    Ok(change.after)
}
