//! Who broke the glass.

pub mod list;

pub use list::BreakGlassFilters;
