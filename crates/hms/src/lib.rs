//! The `hms` command's own code, as a library so that tests can run it: the whole platform in one process, tables,
//! documents, and the import of other systems' exports through the public API.

pub mod asyncapi;
pub mod audit;
pub mod client;
pub mod dead_letters;
pub mod import;
pub mod keys;
pub mod login;
pub mod logs;
pub mod metrics;
pub mod migrate;
pub mod openapi;
mod services;
pub mod up;
