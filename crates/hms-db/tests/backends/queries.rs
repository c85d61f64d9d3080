//! One text of each query for both databases.

use diesel::dsl::{count_star, sql};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable};
use hms_db::{
    At, Code, Database, Db, Error, InsertExt, KeepExt, Key, LockExt, MultiBackend, PgRows, Result, compare,
    each, like_pattern, lower,
};

use crate::schema::{
    Booking, BookingChanges, Customer, Status, add_booking, add_customer, at, booking, bookings, customer,
    customers, day,
};
use crate::support::{Held, Scratch, both};

both!(
    values_come_back_as_they_went_in,
    an_insert_may_be_ignored_or_change_what_is_there,
    what_is_kept_answers_as_what_is_not,
    what_only_each_database_knows_is_compiled_for_each,
    a_search_knows_unicode_and_takes_wildcards_as_they_are,
    pages_follow_one_another_by_key,
    a_change_touches_only_what_it_names,
    of_many_changes_those_are_made_whose_version_is_as_given,
    of_many_rows_those_are_written_that_are_new_or_newer,
    many_rows_are_set_or_taken_away_as_they_are_given,
    sums_and_groups,
    comparisons_of_a_filter_are_all_applied,
    rows_can_be_locked,
);

/// Ten confirmed bookings, two of each second.
async fn with_ten(scratch: &Scratch) -> (Database, Customer) {
    let database = scratch.ready().await;
    let owner = customer("Öz ÇELIK 100%", Some("oz@example.org"));
    let rows: Vec<Booking> = (0..10).map(|number| booking(&owner, number)).collect();
    let one = owner.clone();
    let added = database.write(move |db| {
        add_customer(db, &one)?;
        rows.iter().try_for_each(|row| add_booking(db, row))
    });
    added.await.unwrap();
    (database, owner)
}

async fn values_come_back_as_they_went_in(scratch: Scratch) {
    let (database, owner) = with_ten(&scratch).await;
    let row = Booking {
        note: Some("naïve – 👍 'quoted' \"twice\"".into()),
        cancelled_at: Some(at(7)),
        ..booking(&owner, 11)
    };
    let expected = row.clone();
    database.write(move |db| add_booking(db, &row)).await.unwrap();
    let id = expected.id;
    let found = database
        .read(move |db| Ok::<_, Error>(bookings::table.find(id).select(Booking::as_select()).first(db)?));
    assert_eq!(found.await.unwrap(), expected);
}

async fn an_insert_may_be_ignored_or_change_what_is_there(scratch: Scratch) {
    let (database, owner) = with_ten(&scratch).await;
    let rows = database.write(move |db| {
        let twin = Customer { id: customer("", None).id, ..owner.clone() };
        let ignored = diesel::insert_into(customers::table).values(&twin).or_ignore().execute(db)?;
        let changes = (customers::name.eq("New"), customers::visits.eq(customers::visits + 1));
        let changed = diesel::insert_into(customers::table)
            .values(&twin)
            .upsert((customers::email,), changes)
            .execute(db)?;
        let left: Vec<(Key, String, i64)> =
            customers::table.select((customers::id, customers::name, customers::visits)).load(db)?;
        assert_eq!((ignored, changed, left), (0, 1, vec![(owner.id, "New".into(), 1)]));
        Ok::<_, Error>(())
    });
    rows.await.unwrap();
}

async fn what_is_kept_answers_as_what_is_not(scratch: Scratch) {
    let (database, owner) = with_ten(&scratch).await;
    let rows = database.write(move |db| {
        let row = customers::table.find(owner.id);
        let more = customers::visits.eq(customers::visits + 1);
        let counted = |db: &mut Db| -> Result<i64> {
            Ok(diesel::update(row).set(more).returning(customers::visits).kept().get_result(db)?)
        };
        assert_eq!([counted(db)?, counted(db)?], [owner.visits + 1, owner.visits + 2]);
        let twin = Customer { id: customer("", None).id, ..owner.clone() };
        let insert = diesel::insert_into(customers::table).values(&twin);
        assert_eq!(insert.upsert((customers::email,), more).kept().execute(db)?, 1);
        let left: Vec<(Key, i64)> = customers::table.select((customers::id, customers::visits)).load(db)?;
        assert_eq!(left, [(owner.id, owner.visits + 3)]);
        let nobody = diesel::update(customers::table.find(twin.id)).set(more).returning(customers::visits);
        assert_eq!(nobody.kept().get_result::<i64>(db).optional()?, None);
        Ok::<_, Error>(())
    });
    rows.await.unwrap();
}

async fn what_only_each_database_knows_is_compiled_for_each(scratch: Scratch) {
    let (database, owner) = with_ten(&scratch).await;
    let done = database.write(move |db| {
        let rows = vec![booking(&owner, 20), booking(&owner, 21)];
        let batch = each!(db, conn => diesel::insert_into(bookings::table).values(&rows).execute(conn))?;
        let id: Option<Key> = each!(db, conn => diesel::insert_into(customers::table)
            .values(&owner)
            .on_conflict(customers::id)
            .do_update()
            .set(customers::name.eq(diesel::upsert::excluded(customers::name)))
            .returning(customers::id)
            .get_result(conn)
            .optional())?;
        assert_eq!((batch, id), (2, Some(owner.id)));
        Ok::<_, Error>(())
    });
    done.await.unwrap();
}

/// On PostgreSQL alone; SQLite has no round trips to save.
async fn of_many_changes_those_are_made_whose_version_is_as_given(scratch: Scratch) {
    let database = scratch.ready().await;
    let (ann, ben) = (customer("Ann", Some("ann@example.org")), customer("Ben", Some("ben@example.org")));
    let work = database.write(move |db| {
        [&ann, &ben].into_iter().try_for_each(|one| add_customer(db, one))?;
        let Db::Pg(connection) = db else { return Ok(()) };
        let columns = [("id", "uuid"), ("visits", "bigint"), ("name", "text")];
        let mut rows = PgRows::change("customers", columns);
        for (one, version) in [(&ann, ann.visits), (&ben, ben.visits + 1)] {
            rows.push([one.id.0.to_string(), version.to_string(), format!("{} New", one.name)].map(Some));
        }
        let changed: Vec<Key> = rows.load(connection)?;
        let left: Vec<(String, i64)> =
            customers::table.order(customers::name).select((customers::name, customers::visits)).load(db)?;
        assert_eq!(changed, [ann.id]);
        assert_eq!(left, [("Ann New".to_owned(), ann.visits + 1), ("Ben".to_owned(), ben.visits)]);
        Ok::<_, Error>(())
    });
    work.await.unwrap();
}

type Visits<'a> = (&'a Customer, i64);

fn pg_rows(mut rows: PgRows<3>, given: &[Visits<'_>]) -> PgRows<3> {
    for (one, visits) in given {
        rows.push([
            Some(one.id.0.to_string()),
            Some(visits.to_string()),
            Some(format!("{} {visits}", one.name)),
        ]);
    }
    rows
}

fn names(db: &mut Db) -> Result<Vec<(String, i64)>> {
    let all = customers::table.order(customers::name).select((customers::name, customers::visits));
    Ok(all.load(db)?)
}

/// On PostgreSQL alone, too.
async fn of_many_rows_those_are_written_that_are_new_or_newer(scratch: Scratch) {
    let database = scratch.ready().await;
    let [ann, ben, cy] = ["Ann", "Ben", "Cy"].map(|name| customer(name, Some(name)));
    let work = database.write(move |db| {
        [&ann, &ben].into_iter().try_for_each(|one| add_customer(db, one))?;
        let Db::Pg(connection) = db else { return Ok(()) };
        let columns = [("id", "uuid"), ("visits", "bigint"), ("name", "text")];
        let into = || PgRows::into_table("customers", columns);
        let told = [(&ann, ann.visits + 1), (&ben, ben.visits), (&cy, 7)];
        let written: Vec<Key> = pg_rows(into().or_newest(), &told).load(connection)?;
        assert_eq!(written, [ann.id, cy.id], "what is not newer is left");

        // Another row of the same address, and one of the same id.
        let columns = [("id", "uuid"), ("visits", "bigint"), ("name", "text"), ("email", "text")];
        let mut rows = PgRows::into_table("customers", columns).or_ignore();
        let [other, new] = [(); 2].map(|()| customer("Dee", None));
        for (one, email) in [(&other, "Ann"), (&cy, "cy@example.org"), (&new, "dee@example.org")] {
            rows.push([&*one.id.0.to_string(), "3", "Dee 3", email].map(|text| Some(text.to_owned())));
        }
        let added: Vec<Key> = rows.load(connection)?;
        assert_eq!(added, [new.id], "by whatever is unique");
        let expected = [("Ann", 1), ("Ben", 0), ("Cy", 7), ("Dee", 3)];
        let expected = expected.map(|(name, visits)| match visits {
            0 => (name.to_owned(), 0),
            _ => (format!("{name} {visits}"), visits),
        });
        assert_eq!(names(db)?, expected);
        Ok::<_, Error>(())
    });
    work.await.unwrap();
}

/// On PostgreSQL alone, too.
async fn many_rows_are_set_or_taken_away_as_they_are_given(scratch: Scratch) {
    let database = scratch.ready().await;
    let [ann, ben, cy] = ["Ann", "Ben", "Cy"].map(|name| customer(name, None));
    let work = database.write(move |db| {
        [&ann, &ben, &cy].into_iter().try_for_each(|one| add_customer(db, one))?;
        let Db::Pg(connection) = db else { return Ok(()) };
        let columns = [("id", "uuid"), ("visits", "bigint"), ("name", "text")];
        let changed =
            pg_rows(PgRows::set("customers", columns), &[(&ann, 5), (&cy, 4)]).execute(connection)?;
        assert_eq!(changed, 2);
        // All columns are as given of the first one alone.
        let given = [(&ann, 5), (&ben, 8), (&customer("Dee", None), 1)];
        assert_eq!(pg_rows(PgRows::remove("customers", columns), &given).execute(connection)?, 1);
        assert_eq!(names(db)?, [("Ben".to_owned(), 0), ("Cy 4".to_owned(), 4)]);
        Ok::<_, Error>(())
    });
    work.await.unwrap();
}

async fn a_search_knows_unicode_and_takes_wildcards_as_they_are(scratch: Scratch) {
    let database = scratch.ready().await;
    let names = ["Öz ÇELIK 100%", "Οδυσσεύς", "ΟΔΥΣΣΕΥΣ", "İpek", "a_b", "axb", "back\\slash", "STRAẞE"];
    let added =
        database.write(move |db| names.iter().try_for_each(|name| add_customer(db, &customer(name, None))));
    added.await.unwrap();
    let cases: [(&str, &[&str]); 9] = [
        ("çelik 100%", &["Öz ÇELIK 100%"]),
        ("ÖZ", &["Öz ÇELIK 100%"]),
        ("%", &["Öz ÇELIK 100%"]),
        ("a_b", &["a_b"]),
        ("\\S", &["back\\slash"]),
        ("ΟΔΥΣΣ", &["ΟΔΥΣΣΕΥΣ", "Οδυσσεύς"]),
        ("ΣΕΥΣ", &["ΟΔΥΣΣΕΥΣ"]),
        ("ipek", &["İpek"]),
        ("straß", &["STRAẞE"]),
    ];
    for (part, expected) in cases {
        let found = database.read(move |db| {
            let matching = lower(customers::name).like(like_pattern(part)).escape('\\');
            Ok::<_, Error>(
                customers::table
                    .filter(matching)
                    .select(customers::name)
                    .order(customers::name)
                    .load::<String>(db)?,
            )
        });
        assert_eq!(found.await.unwrap(), expected, "{part}");
    }
    let null = database.read(|db| {
        Ok::<_, Error>(
            customers::table.filter(lower(customers::email).like("%a%")).count().get_result::<i64>(db)?,
        )
    });
    assert_eq!(null.await.unwrap(), 0, "lower of null is null");
}

async fn pages_follow_one_another_by_key(scratch: Scratch) {
    type Row = (Booking, String, i64);
    fn page(db: &mut Db, after: Option<(At, Key)>) -> Result<Vec<Row>> {
        let columns = (Booking::as_select(), customers::name, count_star().over());
        let mut query =
            bookings::table.inner_join(customers::table).select(columns).into_boxed::<MultiBackend>();
        if let Some((at, id)) = after {
            let same = bookings::created_at.eq(at).and(bookings::id.lt(id));
            query = query.filter(bookings::created_at.lt(at).or(same));
        }
        Ok(query.order((bookings::created_at.desc(), bookings::id.desc())).limit(5).load(db)?)
    }
    let (database, _) = with_ten(&scratch).await;
    let seen = database.read(|db| {
        let first = page(db, None)?;
        let last = first.last().map(|row| (row.0.created_at, row.0.id));
        let second = page(db, last)?;
        assert_eq!((first.len(), first[0].2), (5, 10), "the count is that of all rows");
        Ok::<_, Error>(
            first.into_iter().chain(second).map(|row| row.0.amount_minor % 100).collect::<Vec<_>>(),
        )
    });
    assert_eq!(seen.await.unwrap(), [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
}

async fn a_change_touches_only_what_it_names(scratch: Scratch) {
    let (database, _) = with_ten(&scratch).await;
    let changed = database.write(|db| {
        let before: Booking = bookings::table.select(Booking::as_select()).first(db)?;
        let changes = BookingChanges { status: None, note: Some(Some("late".into())) };
        let after: Booking = diesel::update(bookings::table.find(before.id))
            .set(changes)
            .returning(<Booking as Selectable<MultiBackend>>::construct_selection())
            .get_result(db)?;
        assert_eq!(after, Booking { note: Some("late".into()), ..before });
        Ok::<_, Error>(())
    });
    changed.await.unwrap();
}

async fn sums_and_groups(scratch: Scratch) {
    let (database, _) = with_ten(&scratch).await;
    let told = database.write(|db| {
        let late = bookings::table.filter(bookings::created_at.gt(at(3)));
        diesel::update(late).set(bookings::status.eq(Code(Status::Cancelled))).execute(db)?;
        let sum = sql::<Nullable<BigInt>>("CAST(SUM(amount_minor) AS BIGINT)");
        let all: (Option<i64>, i64) = bookings::table.select((sum, count_star())).first(db)?;
        let groups: Vec<(Code<Status>, i64)> = bookings::table
            .group_by(bookings::status)
            .select((bookings::status, count_star()))
            .order(bookings::status)
            .load(db)?;
        assert_eq!(all, (Some(100_000_000_045), 10));
        assert_eq!(groups, [(Code(Status::Cancelled), 2), (Code(Status::Confirmed), 8)]);
        Ok::<_, Error>(())
    });
    told.await.unwrap();
}

/// A filter as `hms_api` makes them.
#[derive(Clone, Default)]
struct Cmp<T> {
    eq: Option<T>,
    gt: Option<T>,
    gte: Option<T>,
    lt: Option<T>,
    lte: Option<T>,
    r#in: Option<Vec<T>>,
}

async fn comparisons_of_a_filter_are_all_applied(scratch: Scratch) {
    let (database, _) = with_ten(&scratch).await;
    let moment = |second| at(second).0;
    let cases = [
        (Cmp::default(), 10),
        (Cmp { eq: Some(moment(2)), ..Cmp::default() }, 2),
        (Cmp { gt: Some(moment(1)), lt: Some(moment(4)), ..Cmp::default() }, 4),
        (Cmp { gte: Some(moment(1)), lte: Some(moment(4)), ..Cmp::default() }, 8),
        (Cmp { r#in: Some(vec![moment(0), moment(4), moment(9)]), ..Cmp::default() }, 4),
        (Cmp { r#in: Some(vec![]), ..Cmp::default() }, 0),
    ];
    for (index, (filter, expected)) in cases.into_iter().enumerate() {
        let found = database.read(move |db| {
            let query = bookings::table.select(bookings::id).into_boxed::<MultiBackend>();
            let query = compare!(query, bookings::created_at, filter, |at| At(at));
            Ok::<_, Error>(query.load::<Key>(db)?)
        });
        assert_eq!(found.await.unwrap().len(), expected, "case {index}");
    }
    let days = database.read(|db| {
        let filter = Cmp { eq: Some(day(28)), ..Cmp::default() };
        let query = bookings::table.select(bookings::id).into_boxed::<MultiBackend>();
        Ok::<_, Error>(compare!(query, bookings::starts_on, &filter, |day| day).load::<Key>(db)?)
    });
    assert_eq!(days.await.unwrap().len(), 10);
}

/// The first rows of those that nobody holds.
fn claim(db: &mut Db) -> Result<Vec<Key>> {
    let query = bookings::table.select(bookings::id).order(bookings::amount_minor).limit(4);
    Ok(query.lock_skip(db).load(db)?)
}

async fn rows_can_be_locked(scratch: Scratch) {
    let (database, _) = with_ten(&scratch).await;
    let first = database.write(claim).await.unwrap();
    assert_eq!(first.len(), 4);
    let whole =
        database.write(|db| Ok::<_, Error>(bookings::table.select(bookings::id).lock(db).load::<Key>(db)?));
    assert_eq!(whole.await.unwrap().len(), 10);
    if scratch.is_sqlite() {
        return;
    }
    let holder = Held::write(&database, |db| claim(db).map(drop)).await;
    let others = database.write(claim).await.unwrap();
    assert_eq!(others.len(), 4);
    assert!(others.iter().all(|id| !first.contains(id)), "a held row was handed out");
    holder.let_go().await.unwrap();
}
