//! The same tests on SQLite and PostgreSQL.
#![cfg(test)]

mod errors;
mod migrations;
mod queries;
mod schema;
mod support;
mod units;
