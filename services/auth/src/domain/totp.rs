//! Time-based one-time passwords (RFC 6238) with what authenticator apps take for granted: HMAC-SHA-1, 6 digits,
//! steps of 30 seconds.

use chrono::{DateTime, Utc};
use data_encoding::BASE32_NOPAD;
use ring::hmac;
use subtle::ConstantTimeEq as _;

/// The length of a step in seconds.
const STEP: i64 = 30;
/// How far the clock of the device may be off, in steps, either way.
const WINDOW: i64 = 1;
/// The digits of a code.
const DIGITS: usize = 6;
/// The bytes of a secret (RFC 4226, 4: at least 128 bits, 160 recommended).
pub const SECRET_BYTES: usize = 20;

/// Which step a moment lies in.
pub fn step_at(now: DateTime<Utc>) -> i64 {
    now.timestamp().div_euclid(STEP)
}

/// The code of a step (RFC 4226, 5.3).
pub fn code(secret: &[u8], step: i64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let digest = hmac::sign(&key, &step.to_be_bytes());
    let bytes = digest.as_ref();
    let offset = usize::from(bytes.last().copied().unwrap_or(0) & 0x0f);
    let word = bytes.get(offset..).and_then(<[u8]>::first_chunk::<4>).copied().unwrap_or_default();
    let number = u32::from_be_bytes(word) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}

/// The step that a code belongs to, if it is right now, or was or will be one step away. Steps up to `used` are
/// not accepted any more: a code works once, and no older one after it.
pub fn verify(secret: &[u8], presented: &str, used: i64, now: DateTime<Utc>) -> Option<i64> {
    let presented: String = presented.chars().filter(|c| !c.is_whitespace()).collect();
    if presented.len() != DIGITS {
        return None;
    }
    let current = step_at(now);
    (current - WINDOW..=current + WINDOW)
        .filter(|step| *step > used)
        .find(|step| code(secret, *step).as_bytes().ct_eq(presented.as_bytes()).into())
}

/// The secret as people type it.
pub fn secret_text(secret: &[u8]) -> String {
    BASE32_NOPAD.encode(secret)
}

/// What an authenticator app reads from a QR code (the Key URI Format).
pub fn uri(issuer: &str, account: &str, secret: &[u8]) -> String {
    let [issuer, account] = [issuer, account].map(percent_encoded);
    format!("otpauth://totp/{issuer}:{account}?secret={}&issuer={issuer}", secret_text(secret))
}

/// All but the unreserved characters (RFC 3986, 2.3).
fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8] = b"12345678901234567890";

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    #[test]
    fn the_codes_are_those_of_rfc_4226_and_rfc_6238() {
        let hotp = [
            "755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871",
            "520489",
        ];
        for (step, expected) in (0..).zip(hotp) {
            assert_eq!(code(SECRET, step), expected, "{step}");
        }
        // RFC 6238, appendix B, the last six of its eight digits.
        let totp = [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ];
        for (seconds, expected) in totp {
            assert_eq!(code(SECRET, step_at(at(seconds))), expected, "{seconds}");
        }
    }

    #[test]
    fn a_code_is_good_for_one_step_either_way_and_never_twice() {
        let now = at(1_111_111_111);
        let step = step_at(now);
        let cases = [
            (step - 2, 0, None),
            (step - 1, 0, Some(step - 1)),
            (step, 0, Some(step)),
            (step + 1, 0, Some(step + 1)),
            (step + 2, 0, None),
            (step, step - 1, Some(step)),
            (step, step, None),
            (step - 1, step, None),
            (step + 1, step, Some(step + 1)),
        ];
        for (of, used, expected) in cases {
            assert_eq!(verify(SECRET, &code(SECRET, of), used, now), expected, "{} {used}", of - step);
        }
        assert_eq!(verify(SECRET, " 050 471 ", 0, now), Some(step));
        for wrong in ["", "50471", "0504710", "050472", "abcdef", "０５０４７１"] {
            assert_eq!(verify(SECRET, wrong, 0, now), None, "{wrong}");
        }
    }

    #[test]
    fn an_app_can_read_the_secret() {
        assert_eq!(
            uri("St. Mary's", "ann+1@example.org", SECRET),
            "otpauth://totp/St.%20Mary%27s:ann%2B1%40example.org?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=St.%20Mary%27s"
        );
    }
}
