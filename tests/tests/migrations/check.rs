//! `migrate --check` says what is still to be done, by its words and by its exit code, and does nothing.

use hms_model::service::SERVICES;
use hms_tests::{Platform, on_both_kinds, programs, run};

/// What is still to be done.
const PENDING: i32 = 3;

on_both_kinds! {
    async fn what_is_still_to_be_done_is_told(kind) {
        let platform = Platform::prepare(kind);
        let before = platform.run(&["migrate", "--check"]).await;
        let told = &before.expect(PENDING).stdout;
        for service in SERVICES {
            assert!(told.lines().any(|line| line.starts_with(service.name)), "{}: {told}", service.name);
        }
        assert!(told.contains("\n  2026-11-21-000001_outbox\n") && !told.contains("(0 pending)"), "{told}");
        // Nothing was made.
        assert_eq!(platform.run(&["migrate", "--check"]).await.expect(PENDING).stdout, *told);

        platform.run(&["migrate"]).await.expect(0);
        let after = platform.run(&["migrate", "--check"]).await;
        let told = &after.expect(0).stdout;
        assert_eq!(told.matches("(0 pending)").count(), SERVICES.len(), "{told}");
    }

    async fn a_service_says_so_of_itself(kind) {
        let platform = Platform::prepare(kind);
        let command = |arguments: &[&str]| {
            let mut command = platform.program(programs().join("hms-user").to_str().unwrap());
            command.args(arguments);
            if let Some(url) = platform.setting("USER_DATABASE_URL") {
                command.env("DATABASE_URL", url);
            }
            command
        };
        let before = run(command(&["migrate", "--check"])).await;
        assert!(before.expect(PENDING).stdout.contains("2026-11-23-000005_care\n"), "{}", before.stdout);
        run(command(&["migrate"])).await.expect(0);
        assert_eq!(run(command(&["migrate", "--check"])).await.expect(0).stdout, "");
    }
}
