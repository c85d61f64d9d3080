//! What is allowed although it is dangerous, and why. An entry that nothing needs any more fails the test.

use crate::lint::Danger::{self, ConstraintIsChecked, Drops, IndexStopsWrites, LocksTable, RewritesRows};

/// Migrations that ran before there was any installation: their tables were empty wherever they ran.
const FIRST: &str =
    "written before the first release: no installation had a row or an older version beside it";

/// The migration, what it does, and the reason why it may.
pub const ALLOWED: &[(&str, Danger, &str)] = &[
    ("appointment/2026-11-21-000003_no_overlap_postgres", ConstraintIsChecked, FIRST),
    ("appointment/2026-11-22-000005_directory_words", IndexStopsWrites, FIRST),
    ("appointment/2026-11-22-000007_occupancy", IndexStopsWrites, FIRST),
    ("appointment/2026-11-22-000008_occupied_postgres", ConstraintIsChecked, FIRST),
    ("appointment/2026-11-22-000008_occupied_postgres", Drops, FIRST),
    ("appointment/2026-11-22-000008_occupied_postgres", LocksTable, FIRST),
    ("appointment/2026-11-30-000012_care", IndexStopsWrites, FIRST),
    ("audit/2026-11-22-000002_chain", Drops, FIRST),
    ("auth/2026-11-23-000002_people", IndexStopsWrites, FIRST),
    ("auth/2026-11-23-000002_people", RewritesRows, FIRST),
    ("notification/2026-11-30-000001_channels_postgres", ConstraintIsChecked, FIRST),
    ("notification/2026-11-30-000001_channels_postgres", Drops, FIRST),
    ("notification/2026-11-30-000001_channels_postgres", IndexStopsWrites, FIRST),
    ("notification/2026-11-30-000007_jobs", IndexStopsWrites, FIRST),
    ("user/2026-11-21-000004_search_postgres", IndexStopsWrites, FIRST),
    ("user/2026-11-30-000007_search_version", IndexStopsWrites, FIRST),
];
