//! Letters by filters and pages; what else there is to do with them stands in `hms_bus::dead_letters`.

use diesel::prelude::*;
use hms_api::{List, Page};
use hms_bus::dead_letters::{self, Heading, letters};
use hms_db::{At, Db, MultiBackend, Result, compare};

use super::list::LetterFilters;
use crate::page;

/// One page of the letters that match.
pub fn page(db: &mut Db, list: &List<LetterFilters>) -> Result<Page<Heading>> {
    let query = page!(matching(&list.filters), list, letters::event_id, { "died_at" => letters::died_at });
    let found = dead_letters::headings(db, query)?;
    let count = match list.must_count(found.len()) {
        true => Some(matching(&list.filters).count().get_result(db)?),
        false => list.count_known(found.len()),
    };
    Ok(Page::new(list, found, count, |heading| heading.event_id.uuid()))
}

fn matching(filters: &LetterFilters) -> letters::BoxedQuery<'static, MultiBackend> {
    let query = letters::table.into_boxed();
    let query = compare!(query, letters::kind, filters.kind, |kind| kind);
    let query = compare!(query, letters::subject, filters.subject, |subject| subject);
    compare!(query, letters::died_at, filters.died_at, |at| At(at))
}
