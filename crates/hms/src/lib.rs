//! The `hms` command's own code, as a library so that other tests can run it: so far the import of other systems'
//! exports through the public API.

pub mod import;
