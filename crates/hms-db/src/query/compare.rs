//! The operators of a filter, laid on a boxed query.

/// Gives back a boxed query with all operators of a filter applied that are set. The filter has the fields `eq`,
/// `gt`, `gte`, `lt`, `lte` (each an `Option<T>`) and `in` (`Option<Vec<T>>`); the closure turns a `T` into a
/// value of the column: `query = compare!(query, patients::created_at, filter.created_at, |at| At(at))`.
#[macro_export]
macro_rules! compare {
    ($query:expr, $column:expr, $filter:expr, |$value:ident| $turn:expr) => {{
        let mut query = $query;
        let filter = &$filter;
        $crate::compare!(@one query, $column, eq, filter.eq, $value, $turn);
        $crate::compare!(@one query, $column, gt, filter.gt, $value, $turn);
        $crate::compare!(@one query, $column, ge, filter.gte, $value, $turn);
        $crate::compare!(@one query, $column, lt, filter.lt, $value, $turn);
        $crate::compare!(@one query, $column, le, filter.lte, $value, $turn);
        if let Some(values) = filter.r#in.clone() {
            let values: Vec<_> = values.into_iter().map(|$value| $turn).collect();
            query = query.filter(diesel::ExpressionMethods::eq_any($column, values));
        }
        query
    }};
    (@one $query:ident, $column:expr, $method:ident, $operand:expr, $value:ident, $turn:expr) => {
        if let Some($value) = $operand.clone() {
            $query = $query.filter(diesel::ExpressionMethods::$method($column, $turn));
        }
    };
}
