//! The API document, walked over.

use std::collections::BTreeMap;

use serde_json::Value;

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// One operation of a document.
#[derive(Debug, Clone)]
pub struct Operation {
    /// `GET`, …
    pub method: String,
    /// `/api/v1/patients/{id}`.
    pub path: String,
    /// What the document says of it.
    pub document: Value,
}

/// What an operation asks of its caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asks {
    /// Nothing.
    Nothing,
    /// A token with all of these scopes.
    Scopes(Vec<String>),
}

impl Operation {
    /// Method and path, by which tables name it.
    pub fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// What it asks of its caller.
    pub fn asks(&self) -> Asks {
        let Some(security) = self.document.get("security") else { return Asks::Nothing };
        let alternatives = security.as_array().unwrap();
        assert_eq!(alternatives.len(), 1, "{}: one requirement is expected: {security}", self.name());
        let scopes =
            alternatives[0]["bearer"].as_array().unwrap_or_else(|| panic!("{}: {security}", self.name()));
        Asks::Scopes(scopes.iter().map(|scope| scope.as_str().unwrap().to_owned()).collect())
    }

    /// The path with its parameters filled in: those of a closed set with one of it, all others with this value.
    pub fn path_with(&self, value: &str) -> String {
        let parts = self.path.split('/').map(|part| match part {
            "{kind}" => "appointment.confirmation",
            "{channel}" => "email",
            "{language}" => "en",
            part if part.starts_with('{') => value,
            part => part,
        });
        parts.collect::<Vec<_>>().join("/")
    }

    /// Whether its path has a parameter.
    pub fn names_a_record(&self) -> bool {
        self.path.contains('{')
    }
}

/// All operations of a document, by their names.
pub fn operations(document: &Value) -> BTreeMap<String, Operation> {
    let mut found = BTreeMap::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for method in METHODS {
            if let Some(operation) = item.get(method) {
                let (method, document) = (method.to_uppercase(), operation.clone());
                let operation = Operation { method, path: path.clone(), document };
                found.insert(operation.name(), operation);
            }
        }
    }
    found
}
