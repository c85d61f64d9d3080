//! Patients.

pub mod break_glass;
pub mod create;
pub mod delete;
pub mod get;
pub mod list;
pub mod me;
pub mod patch;
pub mod put;

use chrono::{DateTime, Utc};
use hms_db::Db;
use hms_model::audit::Action;
use hms_model::event::PatientUpdated;
use hms_model::id::{AccountId, PatientId};
use hms_model::role::{Reach, Requires, Viewer};
use hms_model::{Email, Identifier, Phone};
use hms_problem::Problem;
use hms_service::{Act, Call, Reply, Work};
use serde::Serialize;
use utoipa::ToSchema;

use super::refusal::taken;
use crate::config::RecordRules;
use crate::domain::{Address, BirthDate, Change, Gender, Patient, PatientStatus, PersonName, Refusal};
use crate::events::patient_facts;
use crate::store::{self, Unwritten};

pub use list::PatientFilters;

/// A patient as clients see them.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Patient)]
pub struct PatientView {
    /// The id.
    pub id: PatientId,
    /// The medical record number.
    #[schema(examples("P-58E0TKJZ"))]
    pub mrn: String,
    /// Whether the record is in use, and whether the patient lives.
    pub status: PatientStatus,
    /// The given names.
    pub given_name: PersonName,
    /// The family name.
    pub family_name: PersonName,
    /// When the patient was born.
    pub birth_date: BirthDate,
    /// The administrative gender.
    pub gender: Gender,
    /// Where a call reaches the patient.
    pub phone: Option<Phone>,
    /// Where mail reaches the patient.
    pub email: Option<Email>,
    /// Where the patient lives.
    pub address: Option<Address>,
    /// What other systems call the patient.
    pub identifiers: Vec<Identifier>,
    /// When the patient died.
    pub deceased_at: Option<DateTime<Utc>>,
    /// The patient's own account.
    pub account_id: Option<AccountId>,
    /// Counts the changes; the entity tag.
    pub version: i64,
    /// When the record was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

impl From<Patient> for PatientView {
    fn from(patient: Patient) -> Self {
        let details = patient.details;
        Self {
            id: patient.id,
            mrn: patient.mrn,
            status: patient.status,
            given_name: details.given_name,
            family_name: details.family_name,
            birth_date: details.birth_date,
            gender: details.gender,
            phone: details.phone,
            email: details.email,
            address: details.address,
            identifiers: details.identifiers,
            deceased_at: details.deceased_at,
            account_id: patient.account_id,
            version: patient.version,
            created_at: patient.created_at,
            updated_at: patient.updated_at,
        }
    }
}

/// The answer that shows one patient.
fn shown(patient: Patient) -> Result<Reply, Problem> {
    let version = patient.version;
    Ok(Reply::ok(&PatientView::from(patient))?.version(version))
}

/// Who asks, and by which rules.
#[derive(Debug, Clone)]
struct Sight {
    viewer: Viewer,
    rules: RecordRules,
}

impl Sight {
    fn of<R: Requires>(call: &Call<R>, rules: &RecordRules) -> Result<Self, Problem> {
        let (claims, reach) = (call.claims()?, call.reach()?);
        let viewer = Viewer {
            account_id: claims.sub,
            roles: claims.roles.clone(),
            reach,
            practitioner_id: claims.practitioner_id,
            department_id: None,
        };
        Ok(Self { viewer, rules: *rules })
    }

    fn reach(&self) -> Reach {
        self.viewer.reach
    }

    /// Whether what they may see depends on who is in their care.
    fn needs_relation(&self) -> bool {
        self.viewer.is_held_to_care(self.rules.access)
    }

    /// Whether every patient is shown to whoever asks.
    fn is_of_all(&self) -> bool {
        self.reach() == Reach::Everyone && !self.needs_relation()
    }

    /// The one who asks, when it is somebody who sees only those in their care.
    fn held_to_care(&self, db: &mut Db) -> Result<Option<Viewer>, Problem> {
        if !self.needs_relation() {
            return Ok(None);
        }
        Ok(Some(store::care::placed(db, self.viewer.clone())?))
    }

    /// Refuses a patient whom they may not see.
    fn check(&self, db: &mut Db, patient: &Patient, now: DateTime<Utc>) -> Result<(), Problem> {
        let Some(viewer) = self.held_to_care(db)? else { return Ok(patient.visible_to(self.reach())?) };
        let relation = store::care::relation(db, &viewer, patient, now)?;
        let seen = viewer.sees(self.rules.access, patient.id, relation);
        if seen { Ok(()) } else { Err(Refusal::NotInCare.into()) }
    }
}

/// Changes a patient as `decide` says: loads, decides, saves, tells others and the audit.
fn change(
    work: &mut Work<'_>,
    (id, sight): (PatientId, &Sight),
    action: Action,
    decide: impl FnOnce(&Patient, DateTime<Utc>) -> Result<Change<Patient>, Refusal>,
) -> Result<Patient, Problem> {
    let before = store::patient::lock(work.db, id)?;
    sight.check(work.db, &before, work.now)?;
    work.check_version(before.version)?;
    let change = decide(&before, work.now)?;
    if !change.fields.is_empty() {
        store::patient::update(work.db, &before, &change.after)
            .map_err(|unwritten| told(unwritten, sight.reach()))?;
        work.publish(&PatientUpdated(patient_facts(&change.after)))?;
    }
    work.audit(Act::new(action, "patient").on(id).of_patient(id).detail(change.in_words()))?;
    Ok(change.after)
}

/// Only staff learn whose an identifier is.
fn told(unwritten: Unwritten, reach: Reach) -> Problem {
    match (unwritten, reach) {
        (Unwritten::Taken(_), Reach::Own { .. } | Reach::Department { .. }) => taken(),
        (unwritten, _) => unwritten.into(),
    }
}
