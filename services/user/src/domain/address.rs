//! Postal addresses.

use hms_model::Text;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::patch::present;
use super::{Country, Patch, Refusal};

/// Where someone lives or something stands (FHIR Address).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Address {
    /// Street and number, and what else stands above the place.
    #[serde(default)]
    pub line: Option<Text<1, 200>>,
    /// The place.
    #[serde(default)]
    pub city: Option<Text<1, 100>>,
    /// The part of the country.
    #[serde(default)]
    pub state: Option<Text<1, 100>>,
    /// The postal code, as the country writes it.
    #[serde(default)]
    pub postal_code: Option<Text<1, 20>>,
    /// The country.
    pub country: Country,
}

/// A change of an address: what is not named stays.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddressPatch {
    /// Street and number.
    #[serde(default)]
    #[schema(value_type = Option<Text<1, 200>>)]
    line: Patch<Text<1, 200>>,
    /// The place.
    #[serde(default)]
    #[schema(value_type = Option<Text<1, 100>>)]
    city: Patch<Text<1, 100>>,
    /// The part of the country.
    #[serde(default)]
    #[schema(value_type = Option<Text<1, 100>>)]
    state: Patch<Text<1, 100>>,
    /// The postal code.
    #[serde(default)]
    #[schema(value_type = Option<Text<1, 20>>)]
    postal_code: Patch<Text<1, 20>>,
    /// The country.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    country: Option<Country>,
}

impl Patch<AddressPatch> {
    /// The address after the patch; an address that is new must name its country.
    pub(super) fn over_address(self, old: Option<Address>) -> Result<Option<Address>, Refusal> {
        match self {
            Patch::Keep => Ok(old),
            Patch::Clear => Ok(None),
            Patch::Set(patch) => patch.over(old).map(Some),
        }
    }
}

impl AddressPatch {
    fn over(self, old: Option<Address>) -> Result<Address, Refusal> {
        let no_country = Refusal::Rule { field: "address.country", reason: "must be named" };
        let country = self.country.or(old.as_ref().map(|old| old.country)).ok_or(no_country)?;
        let old = old.unwrap_or(Address { line: None, city: None, state: None, postal_code: None, country });
        Ok(Address {
            line: self.line.over(old.line),
            city: self.city.over(old.city),
            state: self.state.over(old.state),
            postal_code: self.postal_code.over(old.postal_code),
            country,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T: serde::de::DeserializeOwned>(json: &str) -> T {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_patch_reaches_into_the_address() {
        let old = r#"{"line": "1 Main St", "city": "Boston", "country": "US"}"#;
        let cases = [
            (
                r#"{"city": "Salem"}"#,
                Some(old),
                Some(r#"{"line": "1 Main St", "city": "Salem", "country": "US"}"#),
            ),
            (r#"{"line": null}"#, Some(old), Some(r#"{"city": "Boston", "country": "US"}"#)),
            (
                r#"{"country": "CA"}"#,
                Some(old),
                Some(r#"{"line": "1 Main St", "city": "Boston", "country": "CA"}"#),
            ),
            (r#"{"city": "Kyiv", "country": "UA"}"#, None, Some(r#"{"city": "Kyiv", "country": "UA"}"#)),
            ("null", Some(old), None),
            ("null", None, None),
        ];
        for (patch, before, after) in cases {
            let patched = read::<Patch<AddressPatch>>(patch).over_address(before.map(read)).unwrap();
            assert_eq!(patched, after.map(read), "{patch} over {before:?}");
        }
    }

    #[test]
    fn a_new_address_names_its_country() {
        let patch = read::<Patch<AddressPatch>>(r#"{"city": "Salem"}"#);
        assert!(matches!(patch.over_address(None), Err(Refusal::Rule { field: "address.country", .. })));
        assert!(serde_json::from_str::<AddressPatch>(r#"{"country": null}"#).is_err());
    }
}
