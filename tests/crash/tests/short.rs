//! The short form of `make test-crash`, as a part of the suite.

use hms_crash::config::Config;
use hms_crash::{embedded, production};
use hms_tests::{Kind, wanted};

#[expect(clippy::print_stdout, reason = "a failure shows the seed and the table")]
fn judge(config: &Config, report: &hms_crash::report::Report) {
    println!("HMS_CRASH_SEED={}\n{report}", config.seed);
    assert!(report.is_good(), "something is lost, doubled or otherwise wrong: see above");
    assert!(report.total().acknowledged >= config.writes, "too few writes");
}

mod nothing_acknowledged_is_lost_or_doubled {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn production() {
        if wanted(Kind::Production) {
            let config = Config::from_environment();
            judge(&config, &production::run(&config).await);
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn embedded() {
        if wanted(Kind::Embedded) {
            let config = Config::from_environment();
            judge(&config, &embedded::run(&config).await);
        }
    }
}
