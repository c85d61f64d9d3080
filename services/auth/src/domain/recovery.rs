//! Recovery codes: for whoever has lost the device with their second factor. Each works once.

use data_encoding::BASE32_NOPAD;

/// How many there are.
pub const COUNT: usize = 10;
/// The bytes of one: 80 bits cannot be guessed, so that a fast hash of it is enough.
pub const BYTES: usize = 10;

/// A code as it is shown: four groups of four letters and digits.
pub fn shown(random: [u8; BYTES]) -> String {
    let letters = BASE32_NOPAD.encode(&random).to_ascii_lowercase();
    let groups: Vec<&str> = (0..4).filter_map(|group| letters.get(group * 4..group * 4 + 4)).collect();
    groups.join("-")
}

/// A code as it was typed, in the one form of which the hash is kept; none where it can be none.
pub fn normal(typed: &str) -> Option<String> {
    let plain: String =
        typed.chars().filter(|c| !c.is_whitespace() && *c != '-').map(|c| c.to_ascii_lowercase()).collect();
    (plain.len() == 16 && plain.bytes().all(|b| b.is_ascii_lowercase() || (b'2'..=b'7').contains(&b)))
        .then_some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_however_it_is_typed() {
        let code = shown([0xff, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        assert_eq!(code, "74aq-eaye-auda-ocaj", "{code}");
        let plain = code.replace('-', "");
        for typed in
            [code.clone(), plain.clone(), code.to_uppercase(), format!(" {} ", code.replace('-', " "))]
        {
            assert_eq!(normal(&typed).as_deref(), Some(plain.as_str()), "{typed}");
        }
        for wrong in ["", "123456", "74aq-eaye-auda-oca", "74aq-eaye-auda-oca!", "74aq-eaye-auda-oca1"] {
            assert_eq!(normal(wrong), None, "{wrong}");
        }
    }
}
