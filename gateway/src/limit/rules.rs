//! What holds for whom: the rules as they are without a file, and the file that changes them.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Deserialize;

use super::window::Quota;

/// The plan of callers without a token.
pub const ANONYMOUS: &str = "anonymous";
/// The plan of callers whose token names none, or one that is not known.
pub const DEFAULT_PLAN: &str = "default";
/// The group of routes where a secret is shown: whoever asks them may be guessing.
pub const LOGIN: &str = "login";
/// The group of requests that showed a wrong secret.
pub const FAILURES: &str = "failures";

/// The routes of [`LOGIN`], where the table of routes does not put them into a group.
const LOGIN_PATHS: [&str; 12] = [
    "auth/invitation",
    "auth/login",
    "auth/mfa",
    "auth/password",
    "auth/refresh",
    "auth/register",
    "auth/token",
    "auth/verification",
    "oauth/authorize",
    "oauth/introspect",
    "oauth/revoke",
    "oauth/token",
];

/// What may be asked for, by one client, on one group of routes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its place among the rules: part of a client's key.
    pub number: u16,
    /// How it is called in keys and metrics: `group/plan`.
    pub name: Arc<str>,
    /// Counted by address even where the caller is known.
    pub by_address: bool,
    /// So many in so long.
    pub quotas: Vec<Quota>,
    /// So many at the same time.
    pub concurrent: Option<u32>,
}

/// Why a file of limits cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// It is not TOML, or has other fields.
    #[error("{0}")]
    Syntax(String),
    /// Two entries for one group and plan.
    #[error("there are two limits for the group {group:?} and the plan {plan:?}")]
    Twice {
        /// The group.
        group: String,
        /// The plan.
        plan: String,
    },
    /// An entry that limits nothing, or everything.
    #[error(
        "the limit for the group {group:?} and the plan {plan:?} needs per_minute, per_hour or concurrent, each at least 1"
    )]
    Empty {
        /// The group.
        group: String,
        /// The plan.
        plan: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    limit: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    #[serde(default = "any_group")]
    group: String,
    #[serde(default = "any")]
    plan: String,
    per_minute: Option<u32>,
    per_hour: Option<u32>,
    concurrent: Option<u32>,
    #[serde(default)]
    by_address: bool,
}

/// Stands for every plan of a group.
const ANY: &str = "*";

fn any() -> String {
    ANY.to_owned()
}

fn any_group() -> String {
    crate::table::DEFAULT_GROUP.to_owned()
}

/// The rules of each group by plan.
type ByName = foldhash::HashMap<String, foldhash::HashMap<String, Arc<Rule>>>;

/// All rules.
#[derive(Debug, Clone)]
pub struct Rules {
    by_name: ByName,
    anonymous: Arc<Rule>,
    signed_in: Arc<Rule>,
    failures: Arc<Rule>,
}

impl Default for Rules {
    fn default() -> Self {
        Self::of(HashMap::new())
    }
}

impl Rules {
    /// The rules of a file, in TOML, over those that hold without it; the README beside this crate describes it.
    pub fn parse(text: &str) -> Result<Self, RuleError> {
        let file: File = toml::from_str(text).map_err(|error| RuleError::Syntax(error.to_string()))?;
        let mut given = HashMap::new();
        for entry in file.limit {
            let (group, plan) = (entry.group.clone(), entry.plan.clone());
            if [entry.per_minute, entry.per_hour, entry.concurrent]
                .iter()
                .flatten()
                .min()
                .is_none_or(|&least| least == 0)
            {
                return Err(RuleError::Empty { group, plan });
            }
            if given.insert((group.clone(), plan.clone()), entry).is_some() {
                return Err(RuleError::Twice { group, plan });
            }
        }
        Ok(Self::of(given))
    }

    fn of(given: HashMap<(String, String), Entry>) -> Self {
        let mut entries: HashMap<_, _> =
            defaults().into_iter().map(|entry| ((entry.group.clone(), entry.plan.clone()), entry)).collect();
        entries.extend(given);
        let mut entries: Vec<_> = entries.into_values().collect();
        // The same numbers in every process with the same file.
        entries.sort_by(|one, other| (&one.group, &one.plan).cmp(&(&other.group, &other.plan)));
        let mut by_name = ByName::default();
        for (number, entry) in (0..).zip(entries) {
            let (group, plan) = (entry.group.clone(), entry.plan.clone());
            by_name.entry(group).or_default().insert(plan, Arc::new(rule(number, &entry)));
        }
        let default =
            |plan: &str| find(&by_name, crate::table::DEFAULT_GROUP, plan).unwrap_or_else(unlimited);
        let (anonymous, signed_in) = (default(ANONYMOUS), default(DEFAULT_PLAN));
        let failures = find(&by_name, FAILURES, ANY).unwrap_or_else(unlimited);
        Self { by_name, anonymous, signed_in, failures }
    }

    /// The rule for a plan on a group of routes: its own, or that of the group, or that of the plan.
    pub fn find(&self, group: &str, plan: &str) -> &Arc<Rule> {
        let of_group = self.by_name.get(group).and_then(|plans| plans.get(plan).or_else(|| plans.get(ANY)));
        let of_plan = || self.by_name.get(crate::table::DEFAULT_GROUP)?.get(plan);
        of_group.or_else(of_plan).unwrap_or(if plan == ANONYMOUS { &self.anonymous } else { &self.signed_in })
    }

    /// The rule for those who show wrong secrets.
    pub fn failures(&self) -> &Arc<Rule> {
        &self.failures
    }
}

/// The group of a path, given from its resource on, where the table of routes says no more than `default`.
pub fn group_of<'a>(group: &'a str, path: &str) -> &'a str {
    let within =
        |prefix: &str| path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    match group {
        crate::table::DEFAULT_GROUP if LOGIN_PATHS.iter().any(|prefix| within(prefix)) => LOGIN,
        group => group,
    }
}

fn find(rules: &ByName, group: &str, plan: &str) -> Option<Arc<Rule>> {
    rules.get(group)?.get(plan).cloned()
}

/// A rule that the defaults always have in fact.
fn unlimited() -> Arc<Rule> {
    Arc::new(Rule {
        number: u16::MAX,
        name: "none".into(),
        by_address: true,
        quotas: Vec::new(),
        concurrent: None,
    })
}

fn rule(number: u16, entry: &Entry) -> Rule {
    let failures = entry.group == FAILURES;
    let names = if failures { ["failures-minute", "failures-hour"] } else { ["minute", "hour"] };
    let minute = entry.per_minute.map(|limit| Quota { name: names[0], limit, seconds: 60 });
    let hour = entry.per_hour.map(|limit| Quota { name: names[1], limit, seconds: 3600 });
    Rule {
        number,
        name: format!("{}/{}", entry.group, entry.plan).into(),
        by_address: entry.by_address || failures,
        quotas: minute.into_iter().chain(hour).collect(),
        concurrent: entry.concurrent,
    }
}

fn defaults() -> [Entry; 5] {
    let entry = |group: &str, plan: &str, per_minute, per_hour| Entry {
        group: group.to_owned(),
        plan: plan.to_owned(),
        per_minute,
        per_hour,
        concurrent: None,
        by_address: false,
    };
    let any = crate::table::DEFAULT_GROUP;
    [
        entry(any, ANONYMOUS, Some(50), Some(100)),
        entry(any, DEFAULT_PLAN, Some(50), Some(1000)),
        Entry { concurrent: Some(64), ..entry(any, "integration", None, None) },
        // A hospital's staff signs in from one address, all at the beginning of a shift.
        Entry { by_address: true, ..entry(LOGIN, ANY, Some(600), Some(6000)) },
        entry(FAILURES, ANY, Some(60), Some(600)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(rule: &Rule) -> Vec<(u32, u32)> {
        rule.quotas.iter().map(|quota| (quota.limit, quota.seconds)).collect()
    }

    #[test]
    fn without_a_file_the_stated_limits_hold() {
        let rules = Rules::default();
        type Expected = (&'static [(u32, u32)], Option<u32>);
        let cases: [(&str, &str, Expected); 8] = [
            ("default", "default", (&[(50, 60), (1000, 3600)], None)),
            ("default", "anonymous", (&[(50, 60), (100, 3600)], None)),
            ("default", "integration", (&[], Some(64))),
            ("default", "no such plan", (&[(50, 60), (1000, 3600)], None)),
            ("reports", "anonymous", (&[(50, 60), (100, 3600)], None)),
            ("reports", "integration", (&[], Some(64))),
            ("login", "anonymous", (&[(600, 60), (6000, 3600)], None)),
            ("login", "default", (&[(600, 60), (6000, 3600)], None)),
        ];
        for (group, plan, (expected, concurrent)) in cases {
            let rule = rules.find(group, plan);
            assert_eq!((limits(rule), rule.concurrent), (expected.to_vec(), concurrent), "{group}, {plan}");
        }
        assert_eq!(limits(rules.failures()), [(60, 60), (600, 3600)]);
        assert!(rules.failures().by_address && rules.find("login", "default").by_address);
    }

    #[test]
    fn a_file_changes_what_it_names_and_leaves_the_rest() {
        let rules = Rules::parse(
            r#"
            [[limit]]
            plan = "default"
            per_hour = 5000

            [[limit]]
            group = "reports"
            per_minute = 2

            [[limit]]
            group = "reports"
            plan = "integration"
            concurrent = 4
            "#,
        )
        .unwrap();
        assert_eq!(limits(rules.find("default", "default")), [(5000, 3600)]);
        assert_eq!(limits(rules.find("reports", "default")), [(2, 60)]);
        assert_eq!(rules.find("reports", "integration").concurrent, Some(4));
        assert_eq!(limits(rules.find("default", "anonymous")), [(50, 60), (100, 3600)]);
    }

    #[test]
    fn a_file_that_cannot_be_right_is_refused_with_the_reason() {
        let cases = [
            ("[[limits]]", "unknown field `limits`"),
            ("[[limit]]\nper_day = 3", "unknown field `per_day`"),
            ("[[limit]]\nper_hour = -1", "invalid value"),
            ("[[limit]]\nplan = \"gold\"", "needs per_minute, per_hour or concurrent"),
            ("[[limit]]\nper_hour = 0", "needs per_minute, per_hour or concurrent, each at least 1"),
            (
                "[[limit]]\nper_hour = 1\n[[limit]]\nper_hour = 2",
                "two limits for the group \"default\" and the plan \"*\"",
            ),
        ];
        for (text, reason) in cases {
            let error = Rules::parse(text).expect_err(text).to_string();
            assert!(error.contains(reason), "{text}\n{error}");
        }
    }

    #[test]
    fn the_routes_that_take_secrets_are_a_group_of_their_own() {
        let cases = [
            ("default", "auth/login", "login"),
            ("default", "auth/login/again", "login"),
            ("default", "oauth/token", "login"),
            ("default", "auth/loginx", "default"),
            ("default", "auth/me", "default"),
            ("default", "patients/auth/login", "default"),
            ("mine", "auth/login", "mine"),
        ];
        for (group, path, expected) in cases {
            assert_eq!(group_of(group, path), expected, "{path}");
        }
    }
}
