//! The ledger: only ever added to.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use hms_api::{List, Page, list_filters};
use hms_db::{At, Code, Db, InsertExt, KeepExt, Key, MultiBackend, PgColumn, PgRows, compare};
use hms_model::id::LedgerEntryId;
use hms_model::money::Currency;
use uuid::Uuid;

use super::{currency, paged, unreadable};
use crate::domain::{Account, AccountKind, Entry, EntryKind, Posting};
use crate::schema::{accounts, closed_periods, entries, postings};

list_filters! {
    /// What `GET /accounting/entries` can be filtered and ordered by.
    pub struct EntryFilters {
        kind: EntryKind = Set,
        currency: Currency = Set,
        source_id: Uuid = Set,
        booked_on: NaiveDate = Range,
    }
    search: None,
    ordering: ["booked_on", "created_at"],
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = entries)]
struct Row {
    id: Key,
    booked_on: NaiveDate,
    kind: Code<EntryKind>,
    memo: String,
    currency: String,
    source_id: Option<Key>,
    reverses: Option<Key>,
    created_at: At,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = postings)]
struct PostingRow {
    entry_id: Key,
    position: i64,
    account: String,
    amount: i64,
    department_id: Option<Key>,
}

impl Row {
    fn entry(self) -> hms_db::Result<Entry> {
        Ok(Entry {
            id: self.id.into(),
            booked_on: self.booked_on,
            kind: self.kind.0,
            memo: self.memo.try_into().map_err(unreadable)?,
            currency: currency(&self.currency)?,
            source_id: self.source_id.map(|key| key.0),
            reverses: self.reverses.map(Into::into),
            postings: Vec::new(),
            created_at: self.created_at.into(),
        })
    }
}

impl PostingRow {
    fn posting(self) -> Posting {
        Posting {
            account: self.account,
            amount: self.amount,
            department_id: self.department_id.map(Into::into),
        }
    }
}

/// Writes an entry: its postings first, then the entry that seals them (see the guards of the databases).
pub fn post(db: &mut Db, entry: &Entry) -> hms_db::Result<()> {
    lay(db, entry)?;
    seal(db, entry)
}

/// Writes the postings of an entry, which [`seal`] must follow.
pub fn lay(db: &mut Db, entry: &Entry) -> hms_db::Result<()> {
    let lines = (1_i64..).zip(&entry.postings);
    match db {
        Db::Pg(connection) => {
            let mut rows = PgRows::into_table("postings", COLUMNS);
            for (position, posting) in lines {
                let (account, department) = (posting.account.clone(), posting.department_id);
                rows.push([
                    Some(entry.id.to_string()),
                    Some(position.to_string()),
                    Some(account),
                    Some(posting.amount.to_string()),
                    department.map(|id| id.to_string()),
                ]);
            }
            rows.execute(connection)?;
        }
        Db::Sqlite(connection) => {
            let rows: Vec<_> = lines
                .map(|(position, posting)| PostingRow {
                    entry_id: entry.id.into(),
                    position,
                    account: posting.account.clone(),
                    amount: posting.amount,
                    department_id: posting.department_id.map(Key::from),
                })
                .collect();
            diesel::insert_into(postings::table).values(rows).execute(connection)?;
        }
    }
    Ok(())
}

const COLUMNS: [PgColumn; 5] = [
    ("entry_id", "uuid"),
    ("position", "bigint"),
    ("account", "text"),
    ("amount", "bigint"),
    ("department_id", "uuid"),
];

/// Writes an entry whose postings are there.
pub fn seal(db: &mut Db, entry: &Entry) -> hms_db::Result<()> {
    let row = Row {
        id: entry.id.into(),
        booked_on: entry.booked_on,
        kind: entry.kind.into(),
        memo: entry.memo.as_str().into(),
        currency: entry.currency.code().into(),
        source_id: entry.source_id.map(Key),
        reverses: entry.reverses.map(Key::from),
        created_at: entry.created_at.into(),
    };
    diesel::insert_into(entries::table).values(row).kept().execute(db)?;
    Ok(())
}

/// The entry of this id.
pub fn find(db: &mut Db, id: LedgerEntryId) -> hms_db::Result<Entry> {
    let row: Row = entries::table.find(Key::from(id)).select(Row::as_select()).first(db)?;
    with_postings(db, row.entry()?)
}

/// The entry that an invoice was issued with, if it was over anything.
pub fn of_invoice(db: &mut Db, invoice: Uuid) -> hms_db::Result<Option<Entry>> {
    let rows: Vec<(Row, PostingRow)> = entries::table
        .inner_join(postings::table.on(postings::entry_id.eq(entries::id)))
        .filter(entries::source_id.eq(Key(invoice)))
        .filter(entries::kind.eq(Code(EntryKind::Invoice)))
        .order(postings::position)
        .select((Row::as_select(), PostingRow::as_select()))
        .load(db)?;
    let mut found: Option<Entry> = None;
    for (row, posting) in rows {
        let entry = match &mut found {
            Some(entry) => entry,
            None => found.insert(row.entry()?),
        };
        entry.postings.push(posting.posting());
    }
    Ok(found)
}

/// Whether an entry has been taken back.
pub fn is_reversed(db: &mut Db, id: LedgerEntryId) -> hms_db::Result<bool> {
    let reversal = entries::table.filter(entries::reverses.eq(Key::from(id))).select(entries::id);
    Ok(reversal.first::<Key>(db).optional()?.is_some())
}

fn with_postings(db: &mut Db, entry: Entry) -> hms_db::Result<Entry> {
    let rows: Vec<PostingRow> = postings::table
        .filter(postings::entry_id.eq(Key::from(entry.id)))
        .order(postings::position)
        .select(PostingRow::as_select())
        .load(db)?;
    Ok(Entry { postings: rows.into_iter().map(PostingRow::posting).collect(), ..entry })
}

/// One page of the entries, with their postings.
pub fn list(db: &mut Db, list: &List<EntryFilters>) -> hms_db::Result<Page<Entry>> {
    let matching = || {
        let query = entries::table.into_boxed::<MultiBackend>();
        let query = compare!(query, entries::kind, list.filters.kind, |kind| Code(kind));
        let query = compare!(query, entries::currency, list.filters.currency, |currency| currency.code());
        let query = compare!(query, entries::source_id, list.filters.source_id, |id| Some(Key(id)));
        compare!(query, entries::booked_on, list.filters.booked_on, |day| day)
    };
    let page: hms_db::Result<Page<Entry>> = paged!(
        matching,
        list,
        entries::id,
        { "booked_on" => entries::booked_on, "created_at" => entries::created_at },
        db,
        Row,
        Row::entry
    );
    let mut page = page?;
    let mut complete = Vec::with_capacity(page.results.len());
    for entry in page.results {
        complete.push(with_postings(db, entry)?);
    }
    page.results = complete;
    Ok(page)
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = accounts)]
struct AccountRow {
    code: String,
    name: String,
    kind: Code<AccountKind>,
    system: bool,
}

/// The chart of accounts.
pub fn accounts(db: &mut Db) -> hms_db::Result<Vec<Account>> {
    let rows: Vec<AccountRow> =
        accounts::table.order(accounts::code).select(AccountRow::as_select()).load(db)?;
    let account = |AccountRow { code, name, kind, system }| Account { code, name, kind: kind.0, system };
    Ok(rows.into_iter().map(account).collect())
}

/// Adds an account; false when there is one of its number.
pub fn add_account(db: &mut Db, account: &Account) -> hms_db::Result<bool> {
    let row = AccountRow {
        code: account.code.clone(),
        name: account.name.clone(),
        kind: account.kind.into(),
        system: account.system,
    };
    Ok(diesel::insert_into(accounts::table).values(row).or_ignore().execute(db)? == 1)
}

/// The months that are closed, the last first, with the last day of each.
pub fn closed(db: &mut Db) -> hms_db::Result<Vec<(String, NaiveDate, DateTime<Utc>)>> {
    let rows: Vec<(String, NaiveDate, At)> =
        closed_periods::table.order(closed_periods::last_day.desc()).load(db)?;
    Ok(rows.into_iter().map(|(month, last_day, at)| (month, last_day, at.into())).collect())
}

/// Closes the books up to and with a day. On PostgreSQL whoever is writing an entry is waited for, and whoever comes
/// later waits: an entry is either seen before the close or refused after it.
pub fn close(db: &mut Db, month: &str, last_day: NaiveDate, now: DateTime<Utc>) -> hms_db::Result<()> {
    if let Db::Pg(_) = db {
        diesel::sql_query("LOCK TABLE entries IN SHARE ROW EXCLUSIVE MODE").execute(db)?;
    }
    let row = (
        closed_periods::month.eq(month),
        closed_periods::last_day.eq(last_day),
        closed_periods::closed_at.eq(At::from(now)),
    );
    diesel::insert_into(closed_periods::table).values(row).execute(db)?;
    Ok(())
}
