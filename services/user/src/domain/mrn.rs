//! The medical record number: what people read out and write on labels.

use hms_model::id::PatientId;

/// The digits and letters of Crockford's base 32: none that is easily taken for another.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LENGTH: u32 = 8;

/// The number of a patient: `P-` and eight digits or letters, made of the last 40 bits of the id, most of which are
/// random. It tells nothing about the patient, and not how many there are. Two in a million million are the same by
/// chance: the table has the last word.
pub fn mrn(id: PatientId) -> String {
    let bits = id.uuid().as_u128();
    let letters = (0..LENGTH).rev().map(|place| {
        let index = usize::try_from((bits >> (5 * place)) & 31).unwrap_or_default();
        char::from(ALPHABET.get(index).copied().unwrap_or(b'0'))
    });
    "P-".chars().chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_made_of_the_end_of_the_id() {
        let cases = [
            ("0197a3c2-5b1e-7c4d-9f00-000000000000", "P-00000000"),
            ("0197a3c2-5b1e-7c4d-9f00-00ffffffffff", "P-ZZZZZZZZ"),
            ("0197a3c2-5b1e-7c4d-9f00-ff0000000021", "P-00000011"),
            ("0197a3c2-5b1e-7c4d-9f00-3b2a1c0d4e5f", "P-58E0TKJZ"),
        ];
        for (id, number) in cases {
            assert_eq!(mrn(id.parse().unwrap()), number, "{id}");
        }
    }
}
