//! Patients (FHIR Patient).

use chrono::{DateTime, SubsecRound, Utc};
use hms_model::id::{AccountId, PatientId};
use hms_model::role::Reach;
use hms_model::{Email, Identifier, LanguageTag, Phone};
use serde::Deserialize;
use utoipa::ToSchema;

use super::change::differing;
use super::patch::present;
use super::search::search_text;
use super::{
    Address, AddressPatch, BirthDate, Change, Gender, Patch, PatientStatus, PersonName, Refusal, identifier,
    mrn,
};

/// What patients may change of their own record by themselves.
const CONTACT: [&str; 4] = ["phone", "email", "language", "address"];

/// What is known of a patient, as whoever registers them says it.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PatientDetails {
    /// The given names.
    pub given_name: PersonName,
    /// The family name.
    pub family_name: PersonName,
    /// When the patient was born.
    pub birth_date: BirthDate,
    /// The administrative gender.
    pub gender: Gender,
    /// Where a call reaches the patient.
    #[serde(default)]
    pub phone: Option<Phone>,
    /// Where mail reaches the patient.
    #[serde(default)]
    pub email: Option<Email>,
    /// The language in which to write to the patient.
    #[serde(default)]
    pub language: Option<LanguageTag>,
    /// Where the patient lives.
    #[serde(default)]
    pub address: Option<Address>,
    /// What other systems call the patient: each is one patient's only.
    #[serde(default)]
    pub identifiers: Vec<Identifier>,
    /// When the patient died.
    #[serde(default)]
    pub deceased_at: Option<DateTime<Utc>>,
}

/// A change of a patient: what is not named stays, `null` takes away what need not be there (RFC 7396).
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PatientPatch {
    /// The given names.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    given_name: Option<PersonName>,
    /// The family name.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    family_name: Option<PersonName>,
    /// When the patient was born.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    birth_date: Option<BirthDate>,
    /// The administrative gender.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    gender: Option<Gender>,
    /// Where a call reaches the patient.
    #[serde(default)]
    #[schema(value_type = Option<Phone>)]
    phone: Patch<Phone>,
    /// Where mail reaches the patient.
    #[serde(default)]
    #[schema(value_type = Option<Email>)]
    email: Patch<Email>,
    /// The language in which to write to the patient.
    #[serde(default)]
    #[schema(value_type = Option<LanguageTag>)]
    language: Patch<LanguageTag>,
    /// Where the patient lives.
    #[serde(default)]
    #[schema(value_type = Option<AddressPatch>)]
    address: Patch<AddressPatch>,
    /// What other systems call the patient: all of them.
    #[serde(default)]
    #[schema(value_type = Option<Vec<Identifier>>)]
    identifiers: Patch<Vec<Identifier>>,
    /// When the patient died; with it, the status is `deceased`.
    #[serde(default)]
    #[schema(value_type = Option<DateTime<Utc>>)]
    deceased_at: Patch<DateTime<Utc>>,
    /// `inactive` to take the record out of use, `active` (or `deceased`) to take it into use again.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    status: Option<PatientStatus>,
}

/// A patient as we keep them.
#[derive(Debug, Clone, PartialEq)]
pub struct Patient {
    /// The id.
    pub id: PatientId,
    /// The medical record number.
    pub mrn: String,
    /// Whether the record is in use.
    pub status: PatientStatus,
    /// What is known of the patient.
    pub details: PatientDetails,
    /// The patient's own account.
    pub account_id: Option<AccountId>,
    /// Counts the changes.
    pub version: i64,
    /// When the record was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

impl Patient {
    /// Registers a patient. Staff register anyone; whoever else does it becomes the owner of the record, and there is
    /// one such record.
    pub fn register(
        details: PatientDetails,
        reach: Reach,
        id: PatientId,
        now: DateTime<Utc>,
    ) -> Result<Self, Refusal> {
        let account_id = match reach {
            Reach::Everyone => None,
            Reach::Own { patient_id: Some(id), .. } => return Err(Refusal::AlreadyPatient { id }),
            Reach::Own { account_id, patient_id: None } => Some(account_id),
            Reach::Department { .. } => return Err(Refusal::BeyondDepartment),
        };
        let details = details.with_kept_times();
        details.check(now)?;
        let status = PatientStatus::of_new(details.deceased_at.is_some());
        Ok(Self {
            id,
            mrn: mrn(id),
            status,
            details,
            account_id,
            version: 1,
            created_at: now,
            updated_at: now,
        })
    }

    /// Others' records are not told from those that do not exist. A record is the caller's own by their token, or by
    /// having been registered with their account: a token is older than the patient it was used to register.
    pub fn visible_to(&self, reach: Reach) -> Result<(), Refusal> {
        let owner = matches!(reach, Reach::Own { account_id, .. } if self.account_id == Some(account_id));
        if owner || reach.covers(self.id) { Ok(()) } else { Err(Refusal::NotTheirs) }
    }

    /// The record with all of its details replaced.
    pub fn replace(
        &self,
        details: PatientDetails,
        reach: Reach,
        now: DateTime<Utc>,
    ) -> Result<Change<Self>, Refusal> {
        self.change(details, None, reach, now)
    }

    /// The record with some of its details changed.
    pub fn patch(
        &self,
        patch: PatientPatch,
        reach: Reach,
        now: DateTime<Utc>,
    ) -> Result<Change<Self>, Refusal> {
        let wanted = patch.status;
        self.change(patch.over(self.details.clone())?, wanted, reach, now)
    }

    /// The record out of use.
    pub fn retire(&self, reach: Reach, now: DateTime<Utc>) -> Result<Change<Self>, Refusal> {
        self.change(self.details.clone(), Some(PatientStatus::Inactive), reach, now)
    }

    fn change(
        &self,
        details: PatientDetails,
        wanted: Option<PatientStatus>,
        reach: Reach,
        now: DateTime<Utc>,
    ) -> Result<Change<Self>, Refusal> {
        self.visible_to(reach)?;
        let details = details.with_kept_times();
        let status = self.status.next(wanted, details.deceased_at.is_some());
        let mut fields = self.details.differing(&details);
        if status.as_ref() != Ok(&self.status) {
            fields.push("status");
        }
        may_change(reach, &fields)?;
        if fields.is_empty() {
            return Ok(Change { after: self.clone(), fields });
        }
        details.check(now)?;
        let (status, version) = (status?, self.version + 1);
        Ok(Change { after: Self { status, details, version, updated_at: now, ..self.clone() }, fields })
    }

    /// The name as people say it.
    pub fn name(&self) -> String {
        format!("{} {}", self.details.given_name, self.details.family_name)
    }

    /// What the patient can be found by.
    pub fn search_text(&self) -> String {
        let details = &self.details;
        let required = [details.given_name.as_str(), details.family_name.as_str(), &self.mrn];
        let email = details.email.as_ref().map(Email::as_str);
        let phone = details.phone.as_ref().map(Phone::as_str);
        search_text(required.into_iter().chain(email).chain(phone))
    }
}

fn may_change(reach: Reach, fields: &[&'static str]) -> Result<(), Refusal> {
    let fields: Vec<_> = match reach {
        Reach::Everyone => Vec::new(),
        // A patient's record belongs to no department.
        Reach::Department { .. } => return Err(Refusal::BeyondDepartment),
        Reach::Own { .. } => fields.iter().filter(|field| !CONTACT.contains(field)).copied().collect(),
    };
    if fields.is_empty() { Ok(()) } else { Err(Refusal::Fields { fields }) }
}

impl PatientDetails {
    /// Times as they are kept: to the microsecond.
    fn with_kept_times(self) -> Self {
        Self { deceased_at: self.deceased_at.map(|at| at.trunc_subsecs(6)), ..self }
    }

    fn check(&self, now: DateTime<Utc>) -> Result<(), Refusal> {
        self.birth_date.check(self.deceased_at, now)?;
        identifier::check(&self.identifiers)
    }

    fn differing(&self, after: &Self) -> Vec<&'static str> {
        differing!(self, after; given_name, family_name, birth_date, gender, phone, email, language, address, identifiers, deceased_at)
    }
}

impl PatientPatch {
    fn over(self, old: PatientDetails) -> Result<PatientDetails, Refusal> {
        Ok(PatientDetails {
            given_name: self.given_name.unwrap_or(old.given_name),
            family_name: self.family_name.unwrap_or(old.family_name),
            birth_date: self.birth_date.unwrap_or(old.birth_date),
            gender: self.gender.unwrap_or(old.gender),
            phone: self.phone.over(old.phone),
            email: self.email.over(old.email),
            language: self.language.over(old.language),
            address: self.address.over_address(old.address)?,
            identifiers: self.identifiers.over(Some(old.identifiers)).unwrap_or_default(),
            deceased_at: self.deceased_at.over(old.deceased_at),
        })
    }
}

#[cfg(test)]
mod tests;
