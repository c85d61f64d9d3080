//! The conventions of every HMS API, on actix: lists with filters, order and pages; JSON that is checked; ETag and
//! If-Match; the id and the origin of a request; tables for spreadsheets; the answers to unknown routes and wrong methods.

mod etag;
pub mod fallback;
mod json;
pub mod list;
pub mod openapi;
mod page;
mod path;
mod request;
mod sheet;
mod strict;

pub use etag::{IfMatch, etag};
pub use json::{BODY_LIMIT, Fingerprint, Json};
pub use list::{Cmp, Filters, List, Order, Paging};
pub use openapi::Problems;
pub use page::Page;
pub use path::path_config;
pub use request::{RequestInfo, identify};
pub use sheet::csv;
