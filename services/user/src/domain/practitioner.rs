//! Practitioners (FHIR Practitioner).

use chrono::{DateTime, Utc};
use hms_model::id::{AccountId, DepartmentId, PractitionerId};
use hms_model::{Email, Identifier, Phone, Text};
use serde::Deserialize;
use utoipa::ToSchema;

use super::change::differing;
use super::patch::present;
use super::search::search_text;
use super::{Change, Gender, Patch, PersonName, Refusal, Status, identifier};

/// What is known of a practitioner.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PractitionerDetails {
    /// The given names.
    pub given_name: PersonName,
    /// The family name.
    pub family_name: PersonName,
    /// What stands before the name: `Dr.`
    #[serde(default)]
    pub prefix: Option<Text<1, 50>>,
    /// The administrative gender.
    #[serde(default)]
    pub gender: Option<Gender>,
    /// What they are trained in.
    #[serde(default)]
    pub specialty: Option<Text<1, 200>>,
    /// The department they belong to.
    #[serde(default)]
    pub department_id: Option<DepartmentId>,
    /// Where a call reaches them.
    #[serde(default)]
    pub phone: Option<Phone>,
    /// Where mail reaches them.
    #[serde(default)]
    pub email: Option<Email>,
    /// What other systems call them: each is one practitioner's only.
    #[serde(default)]
    pub identifiers: Vec<Identifier>,
}

/// A change of a practitioner: what is not named stays, `null` takes away what need not be there (RFC 7396).
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PractitionerPatch {
    /// The given names.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    given_name: Option<PersonName>,
    /// The family name.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    family_name: Option<PersonName>,
    /// What stands before the name.
    #[serde(default)]
    #[schema(value_type = Option<Text<1, 50>>)]
    prefix: Patch<Text<1, 50>>,
    /// The administrative gender.
    #[serde(default)]
    #[schema(value_type = Option<Gender>)]
    gender: Patch<Gender>,
    /// What they are trained in.
    #[serde(default)]
    #[schema(value_type = Option<Text<1, 200>>)]
    specialty: Patch<Text<1, 200>>,
    /// The department they belong to.
    #[serde(default)]
    #[schema(value_type = Option<DepartmentId>)]
    department_id: Patch<DepartmentId>,
    /// Where a call reaches them.
    #[serde(default)]
    #[schema(value_type = Option<Phone>)]
    phone: Patch<Phone>,
    /// Where mail reaches them.
    #[serde(default)]
    #[schema(value_type = Option<Email>)]
    email: Patch<Email>,
    /// What other systems call them: all of them.
    #[serde(default)]
    #[schema(value_type = Option<Vec<Identifier>>)]
    identifiers: Patch<Vec<Identifier>>,
    /// `inactive` for whoever no longer works here, `active` for whoever does again.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    status: Option<Status>,
}

/// A practitioner as we keep them.
#[derive(Debug, Clone, PartialEq)]
pub struct Practitioner {
    /// The id.
    pub id: PractitionerId,
    /// Whether they work here at present.
    pub status: Status,
    /// What is known of them.
    pub details: PractitionerDetails,
    /// Their own account.
    pub account_id: Option<AccountId>,
    /// Counts the changes.
    pub version: i64,
    /// When the record was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

impl Practitioner {
    /// Registers a practitioner.
    pub fn register(
        details: PractitionerDetails,
        id: PractitionerId,
        now: DateTime<Utc>,
    ) -> Result<Self, Refusal> {
        identifier::check(&details.identifiers)?;
        let (status, account_id) = (Status::Active, None);
        Ok(Self { id, status, details, account_id, version: 1, created_at: now, updated_at: now })
    }

    /// The record with all of its details replaced.
    pub fn replace(&self, details: PractitionerDetails, now: DateTime<Utc>) -> Result<Change<Self>, Refusal> {
        self.change(details, self.status, now)
    }

    /// The record with some of its details changed.
    pub fn patch(&self, patch: PractitionerPatch, now: DateTime<Utc>) -> Result<Change<Self>, Refusal> {
        let status = patch.status.unwrap_or(self.status);
        self.change(patch.over(self.details.clone()), status, now)
    }

    /// The record out of use.
    pub fn retire(&self, now: DateTime<Utc>) -> Result<Change<Self>, Refusal> {
        self.change(self.details.clone(), Status::Inactive, now)
    }

    fn change(
        &self,
        details: PractitionerDetails,
        status: Status,
        now: DateTime<Utc>,
    ) -> Result<Change<Self>, Refusal> {
        let mut fields = self.details.differing(&details);
        if status != self.status {
            fields.push("status");
        }
        if fields.is_empty() {
            return Ok(Change { after: self.clone(), fields });
        }
        identifier::check(&details.identifiers)?;
        let version = self.version + 1;
        Ok(Change { after: Self { status, details, version, updated_at: now, ..self.clone() }, fields })
    }

    /// The name as people say it.
    pub fn name(&self) -> String {
        let details = &self.details;
        let prefix = details.prefix.as_ref().map(|prefix| format!("{prefix} ")).unwrap_or_default();
        format!("{prefix}{} {}", details.given_name, details.family_name)
    }

    /// What the practitioner can be found by.
    pub fn search_text(&self) -> String {
        let details = &self.details;
        let required = [details.given_name.as_str(), details.family_name.as_str()];
        let specialty = details.specialty.as_ref().map(Text::as_str);
        let email = details.email.as_ref().map(Email::as_str);
        let phone = details.phone.as_ref().map(Phone::as_str);
        search_text(required.into_iter().chain(specialty).chain(email).chain(phone))
    }
}

impl PractitionerDetails {
    fn differing(&self, after: &Self) -> Vec<&'static str> {
        differing!(
            self, after;
            given_name, family_name, prefix, gender, specialty, department_id, phone, email, identifiers,
        )
    }
}

impl PractitionerPatch {
    fn over(self, old: PractitionerDetails) -> PractitionerDetails {
        PractitionerDetails {
            given_name: self.given_name.unwrap_or(old.given_name),
            family_name: self.family_name.unwrap_or(old.family_name),
            prefix: self.prefix.over(old.prefix),
            gender: self.gender.over(old.gender),
            specialty: self.specialty.over(old.specialty),
            department_id: self.department_id.over(old.department_id),
            phone: self.phone.over(old.phone),
            email: self.email.over(old.email),
            identifiers: self.identifiers.over(Some(old.identifiers)).unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use hms_model::id::Id;
    use serde_json::json;

    use super::*;

    const THEN: DateTime<Utc> = DateTime::UNIX_EPOCH;

    fn house() -> Practitioner {
        let details = json!({"given_name": "Gregory", "family_name": "House", "prefix": "Dr.", "specialty": "Nephrology"});
        Practitioner::register(serde_json::from_value(details).unwrap(), Id::new(THEN), THEN).unwrap()
    }

    #[test]
    fn a_patch_changes_what_it_names() {
        let cases = [
            (json!({}), vec![]),
            (json!({"given_name": "Gregory"}), vec![]),
            (json!({"given_name": "Greg", "prefix": null}), vec!["given_name", "prefix"]),
            (json!({"specialty": null, "gender": "male"}), vec!["gender", "specialty"]),
            (json!({"status": "inactive"}), vec!["status"]),
            (json!({"status": "active"}), vec![]),
        ];
        for (patch, fields) in cases {
            let change = house().patch(serde_json::from_value(patch.clone()).unwrap(), THEN).unwrap();
            assert_eq!(change.fields, fields, "{patch}");
            assert_eq!(change.after.version, if fields.is_empty() { 1 } else { 2 }, "{patch}");
        }
    }

    #[test]
    fn whoever_is_retired_stays_known_by_name() {
        let retired = house().retire(THEN).unwrap();
        assert_eq!(
            (retired.after.status, retired.after.name().as_str()),
            (Status::Inactive, "Dr. Gregory House")
        );
        assert_eq!(retired.after.retire(THEN).unwrap().fields, Vec::<&str>::new());
    }
}
