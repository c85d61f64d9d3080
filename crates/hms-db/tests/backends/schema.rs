//! The tables of the tests, and rows for them.

use chrono::{DateTime, NaiveDate};
use diesel::prelude::*;
use hms_db::{At, Code, Db, Json, Key, Result};
use hms_model::Coded;

use crate::support::new_id;

diesel::table! {
    use diesel::sql_types::*;
    use hms_db::sql::Uid;
    customers (id) { id -> Uid, name -> Text, email -> Nullable<Text>, visits -> BigInt, }
}
diesel::table! {
    use diesel::sql_types::*;
    use hms_db::sql::{Doc, Tstz, Uid};
    bookings (id) {
        id -> Uid, customer_id -> Uid, status -> Text, amount_minor -> BigInt, paid -> Bool,
        note -> Nullable<Text>, starts_on -> Date, meta -> Doc, created_at -> Tstz, cancelled_at -> Nullable<Tstz>,
    }
}
diesel::table! {
    use diesel::sql_types::*;
    use hms_db::sql::Uid;
    stays (id) { id -> Uid, customer_id -> Nullable<Uid>, from_on -> Date, until_on -> Date, }
}
diesel::joinable!(bookings -> customers (customer_id));
diesel::allow_tables_to_appear_in_same_query!(bookings, customers);

#[derive(Debug, Clone, PartialEq, Insertable, Queryable, Selectable)]
#[diesel(table_name = customers)]
pub struct Customer {
    pub id: Key,
    pub name: String,
    pub email: Option<String>,
    pub visits: i64,
}

/// How a booking stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Pending,
    Confirmed,
    Cancelled,
}

impl Coded for Status {
    const ALL: &'static [Self] = &[Self::Pending, Self::Confirmed, Self::Cancelled];

    fn code(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Confirmed => "confirmed",
            Self::Cancelled => "cancelled",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Insertable, Queryable, Selectable)]
#[diesel(table_name = bookings)]
pub struct Booking {
    pub id: Key,
    pub customer_id: Key,
    pub status: Code<Status>,
    pub amount_minor: i64,
    pub paid: bool,
    pub note: Option<String>,
    pub starts_on: NaiveDate,
    pub meta: Json,
    pub created_at: At,
    pub cancelled_at: Option<At>,
}

#[derive(Debug, AsChangeset)]
#[diesel(table_name = bookings)]
pub struct BookingChanges {
    pub status: Option<Code<Status>>,
    pub note: Option<Option<String>>,
}

#[derive(Debug, Insertable)]
#[diesel(table_name = stays)]
pub struct Stay {
    pub id: Key,
    pub customer_id: Option<Key>,
    pub from_on: NaiveDate,
    pub until_on: NaiveDate,
}

pub fn customer(name: &str, email: Option<&str>) -> Customer {
    Customer { id: new_id().into(), name: name.into(), email: email.map(Into::into), visits: 0 }
}

/// The `number` goes into everything that can hold it.
pub fn booking(customer: &Customer, number: i64) -> Booking {
    Booking {
        id: new_id().into(),
        customer_id: customer.id,
        status: Code(Status::Confirmed),
        amount_minor: 10_000_000_000 + number,
        paid: number % 2 == 0,
        note: None,
        starts_on: day(28),
        meta: Json(serde_json::json!({"number": number, "ü": [1, null]})),
        created_at: at(number / 2),
        cancelled_at: (number == 3).then(|| at(number)),
    }
}

pub fn stay(from: u32, until: u32) -> Stay {
    Stay { id: new_id().into(), customer_id: None, from_on: day(from), until_on: day(until) }
}

pub fn at(second: i64) -> At {
    At(DateTime::from_timestamp_micros(1_780_000_000_123_456 + second * 1_000_000).unwrap())
}

pub fn day(day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 2, day).unwrap()
}

pub fn add_customer(db: &mut Db, customer: &Customer) -> Result<()> {
    diesel::insert_into(customers::table).values(customer).execute(db)?;
    Ok(())
}

pub fn add_booking(db: &mut Db, booking: &Booking) -> Result<()> {
    diesel::insert_into(bookings::table).values(booking).execute(db)?;
    Ok(())
}

pub fn add_stay(db: &mut Db, stay: &Stay) -> Result<()> {
    diesel::insert_into(stays::table).values(stay).execute(db)?;
    Ok(())
}

pub fn count_customers(db: &mut Db) -> Result<i64> {
    Ok(customers::table.count().get_result(db)?)
}
