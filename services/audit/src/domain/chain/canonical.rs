//! One text for one JSON value.

use serde_json::Value;

/// The canonical text of a value: RFC 8785 for what an entry and a statement hold, that is, objects, arrays,
/// strings, booleans, null and whole numbers. Members are sorted by their names, there is no white space, and
/// strings are escaped only where JSON asks for it.
pub fn canonical(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    text
}

fn write(value: &Value, text: &mut String) {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            // RFC 8785, 3.2.3: by UTF-16 code units.
            members.sort_by(|(one, _), (other, _)| one.encode_utf16().cmp(other.encode_utf16()));
            list(text, ['{', '}'], members, |(name, value), text| {
                text.push_str(&Value::from(name.as_str()).to_string());
                text.push(':');
                write(value, text);
            });
        }
        Value::Array(items) => list(text, ['[', ']'], items, write),
        // serde_json escapes strings as RFC 8785, 3.2.2.2 wants it.
        other => text.push_str(&other.to_string()),
    }
}

fn list<T>(
    text: &mut String,
    [open, close]: [char; 2],
    items: impl IntoIterator<Item = T>,
    write: impl Fn(T, &mut String),
) {
    text.push(open);
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        write(item, text);
    }
    text.push(close);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn members_are_sorted_and_strings_are_as_short_as_json_allows() {
        let cases = [
            (json!({}), "{}"),
            (
                json!({"b": [1, null, true], "a": {"d": [], "c": "x"}}),
                r#"{"a":{"c":"x","d":[]},"b":[1,null,true]}"#,
            ),
            (json!("\u{8}\t\n\u{c}\r\u{1f}\u{0}\"\\/"), r#""\b\t\n\f\r\u001f\u0000\"\\/""#),
            (json!("é€😀\u{7f}\u{2028}"), "\"é€😀\u{7f}\u{2028}\""),
            // By UTF-16 code units, the surrogates of U+1F600 come before U+FB33.
            (
                json!({"\u{fb33}": 1, "\u{1f600}": 2, "\u{80}": 3, "1": 4}),
                "{\"1\":4,\"\u{80}\":3,\"\u{1f600}\":2,\"\u{fb33}\":1}",
            ),
            (json!(i64::MAX), "9223372036854775807"),
        ];
        for (value, expected) in cases {
            assert_eq!(canonical(&value), expected);
        }
    }
}
