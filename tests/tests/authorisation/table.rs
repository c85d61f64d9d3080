//! What is expected of each operation and each caller, as `expected.txt` says it.

use std::collections::BTreeMap;

use hms_model::Coded;
use hms_model::role::{Role, Scope};
use hms_tests::api::{Asks, Operation};

/// Who calls, as far as the table tells callers apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Without a token, or with one that is refused wherever it is shown.
    Nobody,
    /// Whoever has this role and no other.
    Role(Role),
    /// An API key that is bound to a department.
    Key,
}

/// What comes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// It asks for no token.
    Open,
    /// The caller has what it asks for; the rest is about the request.
    Admitted,
    /// A token is missing.
    NoToken,
    /// The scope is missing, which the answer names.
    NoScope,
    /// It is for people themselves.
    NotInPerson,
}

/// The whole table.
pub struct Table {
    /// By what operations ask for: each role in its order, and the key.
    held: BTreeMap<&'static str, Vec<bool>>,
    /// By the names of operations, what they ask for.
    operations: BTreeMap<String, &'static str>,
}

const ANYONE: &str = "anyone";
const SIGNED_IN: &str = "signed_in";
const IN_PERSON: &str = "in_person";

impl Table {
    pub fn read() -> Self {
        let (mut held, mut operations) = (BTreeMap::new(), BTreeMap::new());
        let lines = include_str!("expected.txt").lines().filter(|line| !line.starts_with('#'));
        for line in lines {
            let before = match line.split_whitespace().collect::<Vec<_>>()[..] {
                [] => continue,
                [asked, roles, key] if roles.len() == Role::ALL.len() && key.len() == 1 => {
                    let columns = roles.chars().chain(key.chars()).map(|column| column == 'x').collect();
                    held.insert(asked, columns).is_some()
                }
                [method, path, asked] => operations.insert(format!("{method} {path}"), asked).is_some(),
                _ => panic!("not a row: {line}"),
            };
            assert!(!before, "stands there twice: {line}");
        }
        for asked in operations.values() {
            assert!(*asked == ANYONE || held.contains_key(asked), "nothing says who has {asked}");
        }
        for scope in Scope::ALL {
            assert!(held.contains_key(scope.code()), "nothing says who has {scope}");
        }
        Self { held, operations }
    }

    /// What comes of it.
    pub fn expected(&self, operation: &Operation, standing: Standing) -> Expected {
        let asked = self.operations[&operation.name()];
        let column = match standing {
            _ if asked == ANYONE => return Expected::Open,
            Standing::Nobody => return Expected::NoToken,
            Standing::Role(role) => Role::ALL.iter().position(|other| *other == role).unwrap(),
            Standing::Key => Role::ALL.len(),
        };
        match self.held[asked][column] {
            true => Expected::Admitted,
            false if asked == IN_PERSON => Expected::NotInPerson,
            false => Expected::NoScope,
        }
    }

    /// The scopes that a key of a department can have.
    pub fn scopes_of_a_key(&self) -> Vec<&'static str> {
        let given =
            self.held.iter().filter(|(asked, columns)| asked.contains(':') && columns[Role::ALL.len()]);
        given.map(|(asked, _)| *asked).collect()
    }

    /// Where the roles, the document and the table differ: a role with another scope; an operation without a row, a row without
    /// an operation, an operation that asks for another scope.
    pub fn differences(&self, operations: &BTreeMap<String, Operation>) -> Vec<String> {
        let mut found = Vec::new();
        // Some scopes are asked for by what a request says, and by no operation as a whole.
        for (scope, (column, role)) in
            Scope::ALL.iter().flat_map(|scope| Role::ALL.iter().enumerate().map(move |role| (scope, role)))
        {
            if role.scopes().any(|given| given == *scope) != self.held[scope.code()][column] {
                found.push(format!("- {role} and {scope}"));
            }
        }
        for (name, operation) in operations {
            let said = match operation.asks() {
                Asks::Nothing => ANYONE.to_owned(),
                Asks::Scopes(scopes) => scopes.join(" "),
            };
            match self.operations.get(name).copied() {
                None => found.push(format!("- {name} has no row: {said:?}")),
                Some(SIGNED_IN | IN_PERSON) if said.is_empty() => {}
                Some(asked) if asked == said => {}
                Some(asked) => found.push(format!("- {name} asks for {said:?}, and not for {asked}")),
            }
        }
        let gone = self.operations.keys().filter(|name| !operations.contains_key(*name));
        found.extend(gone.map(|name| format!("- {name} has a row, and is nowhere")));
        found
    }
}
