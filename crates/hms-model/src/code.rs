//! Closed sets of words: one macro makes an enum out of the table of its codes.

/// An enum whose values are the codes of a closed set, the same in JSON, in the database and in a filter.
pub trait Coded: Copy + Sized + 'static {
    /// Every value, in the order in which it was declared.
    const ALL: &'static [Self];
    /// The code, such as `booked`.
    fn code(self) -> &'static str;
    /// The value of a code.
    fn from_code(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|value| value.code() == code)
    }
}

/// A code that is not one of its set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be one of: {0}")]
pub struct UnknownCode(pub String);

impl UnknownCode {
    /// Says which codes a set has.
    pub fn of<T: Coded>() -> Self {
        let codes: Vec<_> = T::ALL.iter().map(|value| value.code()).collect();
        Self(codes.join(", "))
    }
}

/// Declares a closed set: `coded_enum! { /// doc  pub enum Gender { /// doc  Male = "male", … } }`.
#[macro_export]
macro_rules! coded_enum {
    ($(#[doc = $doc:literal])* $vis:vis enum $name:ident { $($(#[$vdoc:meta])* $variant:ident = $code:literal),+ $(,)? }) => {
        $(#[doc = $doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        $vis enum $name { $($(#[$vdoc])* #[serde(rename = $code)] $variant),+ }

        impl $crate::Coded for $name {
            const ALL: &'static [Self] = &[$(Self::$variant),+];
            fn code(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }
        }

        // Derived, the schema would have the names of the variants: the derive cannot read a code through a macro.
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::Type::String)
                    .description(Some(concat!($($doc, "\n"),*).trim()))
                    .enum_values(Some([$($code),+]))
                    .into()
            }
        }

        impl utoipa::ToSchema for $name {
            fn name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str($crate::Coded::code(*self))
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::UnknownCode;
            fn from_str(code: &str) -> ::std::result::Result<Self, Self::Err> {
                $crate::Coded::from_code(code).ok_or_else($crate::UnknownCode::of::<Self>)
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    coded_enum! {
        /// For the test.
        enum Light { /** On. */ On = "on", /** Off. */ Off = "off-again" }
    }

    #[test]
    fn a_code_is_the_same_in_json_in_text_and_in_the_schema() {
        for light in Light::ALL {
            assert_eq!(serde_json::to_value(light).unwrap(), light.code());
            assert_eq!(light.code().parse::<Light>().unwrap(), *light);
        }
        let schema = serde_json::to_value(<Light as utoipa::PartialSchema>::schema()).unwrap();
        let expected = serde_json::json!({"type": "string", "description": "For the test.", "enum": ["on", "off-again"]});
        assert_eq!(schema, expected);
        assert_eq!("dim".parse::<Light>().unwrap_err().to_string(), "must be one of: on, off-again");
    }
}
