//! All SQL: rows to domain types and back.

pub mod catalogue;
pub mod claims;
pub mod coverages;
pub mod directory;
pub mod invoices;
pub mod jobs;
pub mod ledger;
pub mod payments;
pub mod reports;

use hms_db::Error;
use hms_model::Invalid;
use hms_model::money::Currency;

/// What a row has that cannot be read: somebody else wrote it.
fn unreadable(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Other(Box::new(error))
}

fn currency(code: &str) -> Result<Currency, Error> {
    code.parse().map_err(unreadable)
}

/// A checked text, back from its column.
fn text<T: TryFrom<String, Error = Invalid>>(text: Option<String>) -> Result<Option<T>, Error> {
    text.map(|text| T::try_from(text).map_err(unreadable)).transpose()
}

/// A page of a list over a boxed query: `paged!(query, list, id, { "field" => column }, db, |row: Row| …, |x| id)`.
macro_rules! paged {
    ($matching:expr, $list:expr, $id:expr, { $($field:literal => $column:expr),* $(,)? }, $db:expr, $row:ty, $of:expr) => {{
        let query = hms_service::page!($matching().select(<$row>::as_select()), $list, $id, { $($field => $column),* });
        let rows: Vec<$row> = query.load($db)?;
        let count = match $list.must_count(rows.len()) {
            true => Some($matching().count().get_result($db)?),
            false => $list.count_known(rows.len()),
        };
        let rows = rows.into_iter().map($of).collect::<hms_db::Result<Vec<_>>>()?;
        Ok(hms_api::Page::new($list, rows, count, |row| row.id.uuid()))
    }};
}
use paged;
