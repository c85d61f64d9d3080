//! A value that must never be shown.

use std::fmt;

use serde::{Deserialize, Serialize, Serializer};

/// Wraps a password, a token or a key: it can be read from a request, but neither Debug nor a log shows it, and
/// it cannot be written out by accident since it has no Serialize.
#[derive(Clone, Deserialize, PartialEq, Eq, utoipa::ToSchema)]
#[serde(transparent)]
#[schema(value_type = String, format = Password)]
pub struct Secret(String);

impl Secret {
    /// Wraps a value.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// Shows the value: look twice at every call.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A secret that travels in an event to be put into a mail: it works once and not for long. Debug and dead letters do
/// not show it; the outbox, the broker and the mail do hold it.
#[derive(Clone, Deserialize, PartialEq, Eq, utoipa::ToSchema)]
#[serde(transparent)]
#[schema(value_type = String, format = Password)]
pub struct OneTimeToken(Secret);

impl OneTimeToken {
    /// Wraps a secret.
    pub fn new(secret: Secret) -> Self {
        Self(secret)
    }

    /// Shows it: look twice at every call.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

impl Serialize for OneTimeToken {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.expose())
    }
}

impl fmt::Debug for OneTimeToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OneTimeToken(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_does_not_show_it() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "Secret(…)");
        assert_eq!(format!("{:?}", OneTimeToken::new(Secret::new("hunter2"))), "OneTimeToken(…)");
    }
}
