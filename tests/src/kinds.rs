//! The two ways to run the platform.

use hms_testkit::Backend;

/// A way to run the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// SQLite files and the bus in the process.
    Embedded,
    /// PostgreSQL and RabbitMQ.
    Production,
}

impl Kind {
    fn backend(self) -> Backend {
        match self {
            Kind::Embedded => Backend::Sqlite,
            Kind::Production => Backend::Postgres,
        }
    }
}

/// Whether tests run in this way (`HMS_TEST_BACKENDS`); says so where they do not.
pub fn wanted(kind: Kind) -> bool {
    hms_testkit::database::wanted(kind.backend())
}

/// Makes of each `async fn name(kind) { … }` a module `name` with the tests `embedded` and `production`.
#[macro_export]
macro_rules! on_both_kinds {
    ($($(#[$meta:meta])* async fn $name:ident($kind:ident) $body:block)+) => {$(
        $(#[$meta])*
        mod $name {
            #[allow(unused_imports, reason = "a story may need nothing from around it")]
            use super::*;

            async fn story($kind: $crate::Kind) $body

            #[tokio::test]
            async fn embedded() {
                if $crate::wanted($crate::Kind::Embedded) {
                    story($crate::Kind::Embedded).await;
                }
            }

            #[tokio::test]
            async fn production() {
                if $crate::wanted($crate::Kind::Production) {
                    story($crate::Kind::Production).await;
                }
            }
        }
    )+};
}
