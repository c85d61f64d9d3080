//! Order and place of a list, laid over a boxed query.

/// Lays the order, the limit and the offset or cursor of an `hms_api::List` over a boxed query. `$id` is the column
/// of the id; the arms give a column for each field that the list can be ordered by.
///
/// ```ignore
/// page!(query, list, patients::id, { "family_name" => patients::family_name, "created_at" => patients::created_at })
/// ```
#[macro_export]
macro_rules! page {
    ($query:expr, $list:expr, $id:expr, { $($field:literal => $column:expr),* $(,)? }) => {{
        let list = $list;
        let mut query = $query;
        query = match list.order.map(|order| (order.field, order.descending)) {
            $(Some(($field, true)) => query.order(($column.desc(), $id.desc())),
            Some(($field, false)) => query.order(($column.asc(), $id.desc())),)*
            _ => query.order($id.desc()),
        };
        if let hms_api::Paging::After { id: Some(id), .. } = list.paging {
            query = query.filter($id.lt(hms_db::Key(id)));
        }
        query.limit(list.paging.limit()).offset(list.paging.offset())
    }};
}
