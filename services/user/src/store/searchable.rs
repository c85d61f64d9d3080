//! What records are searched by: kept folded, and folded anew when the folding is another one.

/// What `search` looks through, for the rows of `$table`, of which each is a `$record`.
macro_rules! searchable_table {
    ($table:ident, $record:ty) => {
        #[derive(Insertable, AsChangeset)]
        #[diesel(table_name = $table)]
        struct Searchable {
            search_text: String,
            search_version: i64,
        }

        impl Searchable {
            fn of(record: &$record) -> Self {
                Self { search_text: record.search_text(), search_version: crate::domain::FOLDING }
            }
        }

        /// Folds anew what an earlier version of the service has folded, at most so many rows; says how many there were.
        pub fn refold(db: &mut Db, most: i64) -> hms_db::Result<usize> {
            let older = $table::table.filter($table::search_version.lt(crate::domain::FOLDING));
            let rows: Vec<Row> = older.order($table::id).limit(most).select(Row::as_select()).load(db)?;
            let found = rows.len();
            for row in rows {
                let as_loaded = $table::table.find(row.id).filter($table::version.eq(row.version));
                diesel::update(as_loaded).set(Searchable::of(&row.try_into()?)).kept().execute(db)?;
            }
            Ok(found)
        }
    };
}

pub(super) use searchable_table;
