//! One story, told on both back ends.

/// Makes of each `async fn name(backend) { … }` a module `name` with the tests `sqlite` and `postgres`.
#[macro_export]
macro_rules! on_both_back_ends {
    ($($(#[$meta:meta])* async fn $name:ident($backend:ident) $body:block)+) => {$(
        $(#[$meta])*
        mod $name {
            #[allow(unused_imports, reason = "a story may need nothing from around it")]
            use super::*;

            async fn story($backend: $crate::Backend) $body

            #[tokio::test]
            async fn sqlite() {
                if $crate::database::wanted($crate::Backend::Sqlite) {
                    story($crate::Backend::Sqlite).await;
                }
            }

            #[tokio::test]
            async fn postgres() {
                if $crate::database::wanted($crate::Backend::Postgres) {
                    story($crate::Backend::Postgres).await;
                }
            }
        }
    )+};
}
