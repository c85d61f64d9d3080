//! What the lists have in common.

use diesel::prelude::*;
use diesel::sql_types::Bool;
use hms_db::MultiBackend;

/// A condition on the rows of a table.
pub(super) type Condition<T> = Box<dyn BoxableExpression<T, MultiBackend, SqlType = Bool>>;

/// Boxes a condition.
pub(super) fn boxed<T>(
    condition: impl BoxableExpression<T, MultiBackend, SqlType = Bool> + 'static,
) -> Condition<T> {
    Box::new(condition)
}

/// One of these must hold. No constant stands beside them: a database might not see through it to an index.
pub(super) fn any_of<T: 'static>(conditions: impl Iterator<Item = Condition<T>>) -> Option<Condition<T>> {
    conditions.reduce(|one, other| Box::new(one.or(other)))
}

/// Lays a search over a boxed query: each word must be part of the text. `LIKE` with a pattern that is a value of its
/// own can be answered from a trigram index on PostgreSQL.
macro_rules! search {
    ($query:expr, $column:expr, $search:expr) => {{
        let mut query = $query;
        for word in crate::domain::words($search.as_deref().unwrap_or_default()) {
            query = query.filter($column.like(hms_db::like_pattern(&word)).escape('\\'));
        }
        query
    }};
}

/// Lays a filter by identifier over a boxed query: any of those that are named.
macro_rules! identified {
    ($query:expr, $id:expr, $filter:expr, $table:ident, $owner:ident) => {{
        let mut query = $query;
        for any in $filter.eq.iter().cloned().map(|one| vec![one]).chain($filter.r#in.clone()) {
            let owners = any.into_iter().map(|crate::domain::IdentifierToken(identifier)| {
                let (system, value) = (identifier.system.to_string(), identifier.value.to_string());
                let named = $table::system.eq(system).and($table::value.eq(value));
                crate::store::list::boxed($id.eq_any($table::table.filter(named).select($table::$owner)))
            });
            if let Some(condition) = crate::store::list::any_of(owners) {
                query = query.filter(condition);
            }
        }
        query
    }};
}

/// Asks for a page of rows, and for their number only when the page does not tell it.
macro_rules! rows_and_count {
    ($db:expr, $list:expr, $row:ty, $filtered:expr, $id:expr, $orderings:tt) => {{
        let rows: Vec<$row> =
            hms_service::page!($filtered.select(<$row>::as_select()), $list, $id, $orderings).load($db)?;
        let count = if $list.must_count(rows.len()) {
            Some($filtered.count().get_result::<i64>($db)?)
        } else {
            $list.count_known(rows.len())
        };
        (rows, count)
    }};
}

pub(super) use {identified, rows_and_count, search};
