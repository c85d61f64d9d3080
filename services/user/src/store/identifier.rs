//! The tables of identifiers. Three kinds of things have one each, of the same shape, so the code is written once.

/// Makes `replace` for a table `(system, value, owner)`.
macro_rules! identifier_table {
    ($table:ident, $owner:ident) => {
        /// Brings the rows of one owner from `before` to `after`. Rows are added in one order everywhere, so that two
        /// who want the same ones wait for each other once and not in a circle.
        fn replace_identifiers(
            db: &mut hms_db::Db,
            owner: hms_db::Key,
            before: &[hms_model::Identifier],
            after: &[hms_model::Identifier],
        ) -> Result<(), crate::store::Unwritten> {
            use crate::schema::$table::dsl;
            for gone in before.iter().filter(|identifier| !after.contains(identifier)) {
                let row = dsl::$table.find((gone.system.as_str(), gone.value.as_str()));
                diesel::delete(row).execute(db)?;
            }
            let mut new: Vec<_> = after.iter().filter(|identifier| !before.contains(identifier)).collect();
            new.sort_unstable();
            for identifier in new {
                let (system, value) = (identifier.system.as_str(), identifier.value.as_str());
                let row = (dsl::system.eq(system), dsl::value.eq(value), dsl::$owner.eq(owner));
                let added = diesel::insert_into(dsl::$table).values(row).or_ignore().execute(db)?;
                if added == 0 {
                    let taken: hms_db::Key =
                        dsl::$table.find((system, value)).select(dsl::$owner).first(db)?;
                    return Err(crate::store::Unwritten::Taken(taken.0));
                }
            }
            Ok(())
        }
    };
}
pub(super) use identifier_table;
