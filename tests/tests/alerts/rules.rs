//! The rules as they are deployed, with times that a test can wait for.

use std::fs;

use hms_tests::repository;

/// What is made short: how long something must last, how far back is looked, and from when on it is too old or too much.
/// The conditions are left as they are.
const SHORT: [(&str, &str); 16] = [
    ("for: 1m", "for: 1s"),
    ("for: 2m", "for: 1s"),
    ("for: 5m", "for: 1s"),
    ("for: 10m", "for: 1s"),
    ("for: 15m", "for: 1s"),
    ("for: 1h", "for: 1s"),
    ("[5m]", "[10s]"),
    ("[30m]", "[15s]"),
    ("[1h]", "[20s]"),
    ("[6h]", "[30s]"),
    ("[10m]", "[60s]"),
    ("[30d]", "[60s]"),
    ("hms_outbox_oldest_age_seconds) > 300", "hms_outbox_oldest_age_seconds) > 3"),
    (
        "hms_jobs_oldest_age_seconds{queue!~\".*[.]bulk\"}) > 600",
        "hms_jobs_oldest_age_seconds{queue!~\".*[.]bulk\"}) > 3",
    ),
    ("hms_gateway_revocations_age_seconds) > 30", "hms_gateway_revocations_age_seconds) > 10"),
    ("hms_auth_lockouts_total[60s])) > 50", "hms_auth_lockouts_total[60s])) > 2"),
];

/// The names of all alerts.
pub fn alerts() -> Vec<String> {
    let rules = deployed();
    let names = rules.lines().filter_map(|line| line.trim_start().strip_prefix("- alert: "));
    let names: Vec<_> = names.map(str::to_owned).collect();
    assert!(names.len() >= 15, "{names:?}");
    names
}

/// The rules with short times.
pub fn shortened() -> String {
    SHORT.iter().fold(deployed(), |rules, (long, short)| {
        assert!(rules.contains(long), "the rules have no {long}");
        rules.replace(long, short)
    })
}

fn deployed() -> String {
    fs::read_to_string(repository().join("deploy/prometheus/rules.yml")).unwrap()
}
