//! What a request shows of who sends it.

/// The scheme and the credentials of an `Authorization` header (RFC 9110, 11.6.2), without the spaces around them; nothing
/// where it is not ASCII, or is one word only.
pub fn authorization(header: &[u8]) -> Option<(&str, &str)> {
    // A token is long, and this takes many of its bytes at once, which a `HeaderValue` asked for its text does not.
    let text = std::str::from_utf8(header).ok().filter(|text| text.is_ascii())?;
    let (scheme, credentials) = text.trim().split_once(' ')?;
    Some((scheme, credentials.trim_start()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scheme_and_what_follows_it() {
        for (header, expected) in [
            ("Bearer abc", Some(("Bearer", "abc"))),
            (" bearer   abc ", Some(("bearer", "abc"))),
            ("Basic a b", Some(("Basic", "a b"))),
            ("Bearer", None),
            ("Bearer ", None),
            ("", None),
            ("Bearer äbc", None),
        ] {
            assert_eq!(authorization(header.as_bytes()), expected, "{header:?}");
        }
        assert_eq!(authorization(b"Bearer \xff"), None);
    }
}
