//! Signed tokens in their short form (RFC 7515).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

/// The token of these claims; none where it cannot be signed.
pub fn signed(header: &Value, claims: &Value, sign: impl FnOnce(&[u8]) -> Option<Vec<u8>>) -> Option<String> {
    let [header, claims] = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
    let text = format!("{header}.{claims}");
    let signature = URL_SAFE_NO_PAD.encode(sign(text.as_bytes())?);
    Some(format!("{text}.{signature}"))
}
