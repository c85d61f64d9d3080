//! Whose requests are counted together.

use std::net::IpAddr;

use hms_access::Claims;
use sha2::{Digest as _, Sha256};

use super::rules::Rule;

/// A client under one rule: fixed in size, so that the memory of many is bounded by their number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    rule: u16,
    kind: Kind,
    who: u128,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Address,
    Account,
    Client,
}

impl Key {
    /// The key of a request: the program that acts, or else the account, or else the address. An address of version 6
    /// stands for its /64, which is what one customer has at the least.
    pub fn of(rule: &Rule, caller: Option<&Claims>, address: IpAddr) -> Self {
        let (kind, who) = match caller {
            Some(claims) if !rule.by_address => match &claims.client_id {
                Some(client) => (Kind::Client, digest(client)),
                None => (Kind::Account, claims.sub.uuid().as_u128()),
            },
            _ => (Kind::Address, network(address)),
        };
        Self { rule: rule.number, kind, who }
    }

    /// The key as text, for a store outside of this process, under the name of the rule.
    pub fn text(&self, rule: &Rule) -> String {
        let kind = match self.kind {
            Kind::Address => 'a',
            Kind::Account => 'u',
            Kind::Client => 'c',
        };
        format!("{}:{kind}:{:032x}", rule.name, self.who)
    }
}

fn network(address: IpAddr) -> u128 {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits() >> 64 << 64,
    }
}

fn digest(client: &str) -> u128 {
    let hash = Sha256::digest(client.as_bytes());
    hash.iter().take(16).fold(0, |number, &byte| number << 8 | u128::from(byte))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use chrono::{DateTime, TimeDelta};
    use hms_model::id::Id;
    use hms_model::role::Role;

    use super::*;
    use crate::limit::rules::Rules;

    fn of(address: &str) -> Key {
        Key::of(Rules::default().find("default", "anonymous"), None, address.parse().unwrap())
    }

    #[test]
    fn addresses_of_one_customer_are_one() {
        for (one, other, same) in [
            ("198.51.100.1", "198.51.100.1", true),
            ("198.51.100.1", "198.51.100.2", false),
            ("198.51.100.1", "::ffff:198.51.100.1", true),
            ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true),
            ("2001:db8:1:2::1", "2001:db8:1:3::1", false),
        ] {
            assert_eq!(of(one) == of(other), same, "{one} {other}");
        }
    }

    #[test]
    fn a_program_an_account_and_an_address_are_three() {
        let now = DateTime::UNIX_EPOCH;
        let mut claims =
            Claims::new(Id::new(now), Id::new(now), vec![Role::Nurse], now, TimeDelta::minutes(1));
        let (rules, address) = (Rules::default(), "198.51.100.1".parse().unwrap());
        let rule = rules.find("default", "default");
        let account = Key::of(rule, Some(&claims), address);
        claims.client_id = Some("laboratory".into());
        let client = Key::of(rule, Some(&claims), address);
        let keys = [account, client, Key::of(rule, None, address)];
        assert_eq!(keys.iter().collect::<HashSet<_>>().len(), 3);
        assert_eq!(keys.iter().map(|key| key.text(rule)).collect::<HashSet<_>>().len(), 3);
        // Where a secret is shown it does not matter whose it is.
        let login = rules.find("login", "default");
        assert_eq!(Key::of(login, Some(&claims), address), Key::of(login, None, address));
    }
}
