//! What cannot be done is refused: with the right status and code in the one envelope, by the gateway and by the
//! service behind it alike, and nothing is changed by it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "a test may fail by panic"
)]

mod bodies;
mod case;
mod queries;
mod routes;
mod signed;
mod state;
mod tokens;
mod world;

use case::Case;
use hms_tests::on_both_kinds;
use world::World;

on_both_kinds! {
    async fn it_is_refused_and_changes_nothing(kind) {
        let world = World::new(kind).await;
        let cases: Vec<Case> = [
            bodies::unreadable(&world),
            bodies::patients(&world),
            bodies::directory(&world),
            bodies::appointments(&world),
            bodies::accounts(&world),
            queries::lists(),
            routes::paths_and_methods(&world),
            routes::others_routes_and_records(&world),
            tokens::cases(&world),
        ]
        .into_iter()
        .flatten()
        .collect();
        let before = state::settled(&world).await;
        let mut complaints = Vec::new();
        for case in &cases {
            complaints.extend(case.try_everywhere(&world).await);
        }
        complaints.extend(tokens::refused_everywhere(&world).await);
        assert!(complaints.is_empty(), "{} of {} cases:\n{}", complaints.len(), cases.len(), complaints.join("\n"));
        state::is_unchanged(&world, &before).await;
    }

    async fn good_signatures_over_wrong_claims_are_401_at_every_service(kind) {
        signed::are_looked_at_everywhere(kind).await;
    }
}
