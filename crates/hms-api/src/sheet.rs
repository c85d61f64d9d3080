//! Tables for spreadsheets (RFC 4180).

use actix_web::HttpResponse;
use actix_web::http::header::CONTENT_DISPOSITION;
use hms_problem::{Code, Problem};

/// An answer that is a table: the header first, then a row for each record. It is saved as `<name>.csv`.
///
/// A text that a spreadsheet would take for a formula is kept from it by an apostrophe (OWASP, CSV injection).
pub fn csv(name: &str, rows: impl IntoIterator<Item = Vec<String>>) -> Result<HttpResponse, Problem> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.write_record(row.iter().map(|field| safe(field))).map_err(|_| Code::Internal)?;
    }
    let text = writer.into_inner().map_err(|_| Code::Internal)?;
    let mut response = HttpResponse::Ok();
    Ok(response
        .content_type("text/csv; charset=utf-8")
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{name}.csv\"")))
        .body(text))
}

/// Numbers are left as they are; they begin with a digit, or with `-` and one.
fn safe(field: &str) -> String {
    let number = field.strip_prefix('-').unwrap_or(field).starts_with(|c: char| c.is_ascii_digit());
    if !number && field.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{field}")
    } else {
        field.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_formula_becomes_a_text_and_a_number_stays_one() {
        for (field, written) in [
            ("Cardiology", "Cardiology"),
            ("-12.50", "-12.50"),
            ("-x", "'-x"),
            ("=1+1", "'=1+1"),
            ("+49", "'+49"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t=1"),
            ("", ""),
        ] {
            assert_eq!(safe(field), written);
        }
    }
}
