//! Departments and sites of the organisation (FHIR Organization).

use chrono::{DateTime, Utc};
use hms_model::id::DepartmentId;
use hms_model::{Identifier, Phone, Text, coded_enum};
use serde::Deserialize;
use utoipa::ToSchema;

use super::change::differing;
use super::patch::present;
use super::search::search_text;
use super::{Address, AddressPatch, Change, Patch, Refusal, Status, identifier};

coded_enum! {
    /// What a department is.
    pub enum DepartmentKind {
        /// A hospital.
        Hospital = "hospital",
        /// A clinic.
        Clinic = "clinic",
        /// A department of either.
        Department = "department",
        /// A place of either.
        Site = "site",
    }
}

/// What a department is that does not say so.
fn a_department() -> DepartmentKind {
    DepartmentKind::Department
}

/// What is known of a department.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DepartmentDetails {
    /// Its name.
    pub name: Text<1, 200>,
    /// What it is.
    #[serde(default = "a_department")]
    pub kind: DepartmentKind,
    /// Where a call reaches it.
    #[serde(default)]
    pub phone: Option<Phone>,
    /// Where it stands.
    #[serde(default)]
    pub address: Option<Address>,
    /// What other systems call it: each is one department's only.
    #[serde(default)]
    pub identifiers: Vec<Identifier>,
}

/// A change of a department: what is not named stays, `null` takes away what need not be there (RFC 7396).
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DepartmentPatch {
    /// Its name.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    name: Option<Text<1, 200>>,
    /// What it is.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    kind: Option<DepartmentKind>,
    /// Where a call reaches it.
    #[serde(default)]
    #[schema(value_type = Option<Phone>)]
    phone: Patch<Phone>,
    /// Where it stands.
    #[serde(default)]
    #[schema(value_type = Option<AddressPatch>)]
    address: Patch<AddressPatch>,
    /// What other systems call it: all of them.
    #[serde(default)]
    #[schema(value_type = Option<Vec<Identifier>>)]
    identifiers: Patch<Vec<Identifier>>,
    /// `inactive` when it is closed, `active` when it is open again.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    status: Option<Status>,
}

/// A department as we keep it.
#[derive(Debug, Clone, PartialEq)]
pub struct Department {
    /// The id.
    pub id: DepartmentId,
    /// Whether it is in use.
    pub status: Status,
    /// What is known of it.
    pub details: DepartmentDetails,
    /// Counts the changes.
    pub version: i64,
    /// When the record was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

impl Department {
    /// Makes a department.
    pub fn register(
        details: DepartmentDetails,
        id: DepartmentId,
        now: DateTime<Utc>,
    ) -> Result<Self, Refusal> {
        identifier::check(&details.identifiers)?;
        Ok(Self { id, status: Status::Active, details, version: 1, created_at: now, updated_at: now })
    }

    /// The record with all of its details replaced.
    pub fn replace(&self, details: DepartmentDetails, now: DateTime<Utc>) -> Result<Change<Self>, Refusal> {
        self.change(details, self.status, now)
    }

    /// The record with some of its details changed.
    pub fn patch(&self, patch: DepartmentPatch, now: DateTime<Utc>) -> Result<Change<Self>, Refusal> {
        let status = patch.status.unwrap_or(self.status);
        self.change(patch.over(self.details.clone())?, status, now)
    }

    /// The record out of use.
    pub fn retire(&self, now: DateTime<Utc>) -> Result<Change<Self>, Refusal> {
        self.change(self.details.clone(), Status::Inactive, now)
    }

    fn change(
        &self,
        details: DepartmentDetails,
        status: Status,
        now: DateTime<Utc>,
    ) -> Result<Change<Self>, Refusal> {
        let mut fields = differing!(&self.details, &details; name, kind, phone, address, identifiers);
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

    /// What the department can be found by.
    pub fn search_text(&self) -> String {
        let phone = self.details.phone.as_ref().map(Phone::as_str);
        search_text([self.details.name.as_str()].into_iter().chain(phone))
    }
}

impl DepartmentPatch {
    fn over(self, old: DepartmentDetails) -> Result<DepartmentDetails, Refusal> {
        Ok(DepartmentDetails {
            name: self.name.unwrap_or(old.name),
            kind: self.kind.unwrap_or(old.kind),
            phone: self.phone.over(old.phone),
            address: self.address.over_address(old.address)?,
            identifiers: self.identifiers.over(Some(old.identifiers)).unwrap_or_default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use hms_model::id::Id;
    use serde_json::json;

    use super::*;

    const THEN: DateTime<Utc> = DateTime::UNIX_EPOCH;

    fn ward() -> Department {
        let details = json!({"name": "Cardiology", "phone": "+14155552671"});
        Department::register(serde_json::from_value(details).unwrap(), Id::new(THEN), THEN).unwrap()
    }

    #[test]
    fn a_department_is_one_unless_it_says_otherwise() {
        assert_eq!(ward().details.kind, DepartmentKind::Department);
    }

    #[test]
    fn a_patch_changes_what_it_names() {
        let cases = [
            (json!({}), vec![]),
            (json!({"name": "Heart", "kind": "clinic"}), vec!["name", "kind"]),
            (json!({"phone": null}), vec!["phone"]),
            (json!({"address": {"country": "FR"}}), vec!["address"]),
            (
                json!({"identifiers": [{"system": "urn:x", "value": "1"}], "status": "inactive"}),
                vec!["identifiers", "status"],
            ),
        ];
        for (patch, fields) in cases {
            let change = ward().patch(serde_json::from_value(patch.clone()).unwrap(), THEN).unwrap();
            assert_eq!(change.fields, fields, "{patch}");
        }
    }
}
