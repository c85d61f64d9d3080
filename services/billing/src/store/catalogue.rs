//! The catalogue and its prices.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use hms_api::{List, Page, list_filters};
use hms_db::{At, Db, InsertExt, Key, MultiBackend, compare, like_pattern, lower};
use hms_model::id::CatalogueItemId;
use hms_model::money::{Money, Rate};

use super::{currency, paged, unreadable};
use crate::domain::{Item, Price};
use crate::schema::{catalogue_items as items, catalogue_prices as prices};

list_filters! {
    /// What `GET /billing/catalogue` can be filtered and ordered by.
    pub struct CatalogueFilters {
        code: String = Set,
        active: bool = Set,
    }
    search: Some("codes and names"),
    ordering: ["code", "name"],
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = items)]
struct Row {
    id: Key,
    code: String,
    name: String,
    active: bool,
    version: i64,
    created_at: At,
    updated_at: At,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = prices)]
struct PriceRow {
    item_id: Key,
    currency: String,
    valid_from: NaiveDate,
    amount: i64,
    tax_rate: i64,
    created_at: At,
}

impl Row {
    fn of(item: &Item) -> Self {
        Self {
            id: item.id.into(),
            code: item.code.as_str().into(),
            name: item.name.as_str().into(),
            active: item.active,
            version: item.version,
            created_at: item.created_at.into(),
            updated_at: item.updated_at.into(),
        }
    }

    fn item(self) -> hms_db::Result<Item> {
        Ok(Item {
            id: self.id.into(),
            code: self.code.try_into().map_err(unreadable)?,
            name: self.name.try_into().map_err(unreadable)?,
            active: self.active,
            prices: Vec::new(),
            version: self.version,
            created_at: self.created_at.into(),
            updated_at: self.updated_at.into(),
        })
    }
}

impl PriceRow {
    fn price(self) -> hms_db::Result<Price> {
        Ok(Price {
            valid_from: self.valid_from,
            price: Money::new(self.amount, currency(&self.currency)?),
            tax_rate: Rate::try_from(self.tax_rate).map_err(unreadable)?,
        })
    }
}

/// Adds a service without prices.
pub fn insert(db: &mut Db, item: &Item) -> hms_db::Result<()> {
    diesel::insert_into(items::table).values(Row::of(item)).execute(db)?;
    Ok(())
}

/// Saves the next version of a service; false when there is another next version already.
pub fn save(db: &mut Db, next: &Item) -> hms_db::Result<bool> {
    let before = items::table.find(Key::from(next.id)).filter(items::version.eq(next.version - 1));
    let changes = (
        items::name.eq(next.name.as_str()),
        items::active.eq(next.active),
        items::version.eq(next.version),
        items::updated_at.eq(At::from(next.updated_at)),
    );
    Ok(diesel::update(before).set(changes).execute(db)? == 1)
}

/// Adds a price; false when one begins on that day already.
pub fn add_price(
    db: &mut Db,
    id: CatalogueItemId,
    price: &Price,
    now: DateTime<Utc>,
) -> hms_db::Result<bool> {
    let row = PriceRow {
        item_id: id.into(),
        currency: price.price.currency.code().into(),
        valid_from: price.valid_from,
        amount: price.price.amount,
        tax_rate: price.tax_rate.millionths(),
        created_at: now.into(),
    };
    Ok(diesel::insert_into(prices::table).values(row).or_ignore().execute(db)? == 1)
}

/// A service with its prices.
pub fn find(db: &mut Db, id: CatalogueItemId) -> hms_db::Result<Item> {
    let row: Row = items::table.find(Key::from(id)).select(Row::as_select()).first(db)?;
    with_prices(db, row.item()?)
}

/// The service of a code, if there is one, with its prices.
pub fn by_code(db: &mut Db, code: &str) -> hms_db::Result<Option<Item>> {
    let row: Option<Row> =
        items::table.filter(items::code.eq(code)).select(Row::as_select()).first(db).optional()?;
    row.map(|row| with_prices(db, row.item()?)).transpose()
}

fn with_prices(db: &mut Db, item: Item) -> hms_db::Result<Item> {
    let rows: Vec<PriceRow> = prices::table
        .filter(prices::item_id.eq(Key::from(item.id)))
        .order((prices::valid_from.desc(), prices::currency))
        .select(PriceRow::as_select())
        .load(db)?;
    Ok(Item { prices: rows.into_iter().map(PriceRow::price).collect::<hms_db::Result<_>>()?, ..item })
}

/// One page of the catalogue; every service with its prices.
pub fn list(db: &mut Db, list: &List<CatalogueFilters>) -> hms_db::Result<Page<Item>> {
    let matching = || matching(list);
    let page: hms_db::Result<Page<Item>> = paged!(matching, list, items::id, { "code" => items::code, "name" => items::name }, db, Row, Row::item);
    let mut page = page?;
    let mut complete = Vec::with_capacity(page.results.len());
    for item in page.results {
        complete.push(with_prices(db, item)?);
    }
    page.results = complete;
    Ok(page)
}

fn matching(list: &List<CatalogueFilters>) -> items::BoxedQuery<'static, MultiBackend> {
    let mut query = items::table.into_boxed();
    if let Some(text) = &list.search {
        let pattern = like_pattern(text);
        let name = lower(items::name).like(pattern.clone()).escape('\\');
        query = query.filter(name.or(lower(items::code).like(pattern).escape('\\')));
    }
    query = compare!(query, items::code, list.filters.code, |code| code);
    compare!(query, items::active, list.filters.active, |active| active)
}
