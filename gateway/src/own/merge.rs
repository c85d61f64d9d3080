//! Merging OpenAPI documents. Where two services give one name to components of different content, the later
//! one's gets the name of its service in front, and every reference in its document follows.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Map, Value, json};

/// The document of one service.
pub struct Part {
    /// The name of the service.
    pub service: String,
    /// Its OpenAPI 3.1 document.
    pub document: Value,
}

/// One document of all parts.
pub fn merge(parts: Vec<Part>) -> Value {
    let mut merged = Merged::default();
    for part in parts {
        merged.add(part);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "HMS",
            "description": "The API of the hospital platform, through its gateway.",
            "version": env!("CARGO_PKG_VERSION"),
        },
        "servers": [{"url": "/"}],
        "tags": merged.tags,
        "paths": merged.paths,
        "components": merged.components,
    })
}

#[derive(Default)]
struct Merged {
    tags: Vec<Value>,
    paths: Map<String, Value>,
    components: Map<String, Value>,
    operation_ids: BTreeSet<String>,
}

/// A component by its section (`schemas`, …) and name.
type Component = (String, String);

impl Merged {
    fn add(&mut self, part: Part) {
        let Part { service, mut document } = part;
        push_security_down(&mut document);
        let renamed = self.renamed(&service, &document);
        follow(&mut document, &Renames::new(&renamed));
        for (section, entries) in take_object(&mut document, "components") {
            let Value::Object(entries) = entries else { continue };
            let known = self.components.entry(section.clone()).or_insert_with(|| Value::Object(Map::new()));
            let Value::Object(known) = known else { continue };
            for (name, content) in entries {
                let name = renamed.get(&(section.clone(), name.clone())).cloned().unwrap_or(name);
                known.entry(name).or_insert(content);
            }
        }
        for (path, mut item) in take_object(&mut document, "paths") {
            self.name_operations(&service, &mut item);
            self.paths.entry(path).or_insert(item);
        }
        self.add_tags(&document);
    }

    /// The new names of the components that clash with one that is merged already. One whose own text is equal
    /// clashes too if it refers to one that does.
    fn renamed(&self, service: &str, document: &Value) -> HashMap<Component, String> {
        let mut clashes = BTreeSet::new();
        let mut equal = Vec::new();
        for (section, name, content) in components(document) {
            match self.components.get(section).and_then(|known| known.get(name)) {
                None => {}
                Some(known) if known == content => equal.push((section, name, references(content))),
                Some(_) => drop(clashes.insert((section.to_owned(), name.to_owned()))),
            }
        }
        loop {
            let (infected, rest): (Vec<_>, Vec<_>) =
                equal.into_iter().partition(|(_, _, references)| !references.is_disjoint(&clashes));
            equal = rest;
            if infected.is_empty() {
                break;
            }
            clashes
                .extend(infected.into_iter().map(|(section, name, _)| (section.to_owned(), name.to_owned())));
        }
        clashes
            .into_iter()
            .map(|(section, name)| ((section, name.clone()), format!("{service}.{name}")))
            .collect()
    }

    /// An operationId must be unique in a document.
    fn name_operations(&mut self, service: &str, item: &mut Value) {
        for operation in item.as_object_mut().into_iter().flat_map(|item| item.values_mut()) {
            let Some(Value::String(id)) = operation.get_mut("operationId") else { continue };
            if !self.operation_ids.insert(id.clone()) {
                *id = format!("{service}.{id}");
                self.operation_ids.insert(id.clone());
            }
        }
    }

    fn add_tags(&mut self, document: &Value) {
        for tag in document.get("tags").and_then(Value::as_array).into_iter().flatten() {
            if !self.tags.iter().any(|known| known.get("name") == tag.get("name")) {
                self.tags.push(tag.clone());
            }
        }
    }
}

/// What a document asks of all its operations would be asked of the other services' too: each operation says it
/// for itself.
fn push_security_down(document: &mut Value) {
    let Some(security) = document.get("security").cloned() else { return };
    let paths = document.get_mut("paths").and_then(Value::as_object_mut);
    let items = paths.into_iter().flat_map(|paths| paths.values_mut()).filter_map(Value::as_object_mut);
    for operation in items.flat_map(|item| item.values_mut()).filter_map(Value::as_object_mut) {
        if operation.contains_key("responses") {
            operation.entry("security").or_insert_with(|| security.clone());
        }
    }
}

fn take_object(document: &mut Value, name: &str) -> Map<String, Value> {
    match document.get_mut(name).map(Value::take) {
        Some(Value::Object(object)) => object,
        _ => Map::new(),
    }
}

fn components(document: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    let sections = document.get("components").and_then(Value::as_object).into_iter().flatten();
    sections.flat_map(|(section, entries)| {
        let entries = entries.as_object().into_iter().flatten();
        entries.map(move |(name, content)| (section.as_str(), name.as_str(), content))
    })
}

/// The components that a value refers to.
fn references(value: &Value) -> BTreeSet<Component> {
    let mut found = BTreeSet::new();
    collect_references(value, &mut found);
    found
}

fn collect_references(value: &Value, found: &mut BTreeSet<Component>) {
    match value {
        Value::String(text) => found.extend(pointer(text)),
        Value::Array(items) => items.iter().for_each(|item| collect_references(item, found)),
        Value::Object(fields) => fields.values().for_each(|field| collect_references(field, found)),
        _ => {}
    }
}

/// A reference to a component, wherever it stands: in `$ref` or in the mapping of a discriminator.
fn pointer(text: &str) -> Option<Component> {
    let (section, name) = text.strip_prefix("#/components/")?.split_once('/')?;
    Some((section.to_owned(), name.to_owned()))
}

/// The new names, as references and as the names that `security` uses.
struct Renames {
    references: HashMap<String, String>,
    schemes: HashMap<String, String>,
}

impl Renames {
    fn new(renamed: &HashMap<Component, String>) -> Self {
        let reference = |section: &str, name: &str| format!("#/components/{section}/{name}");
        let references =
            renamed.iter().map(|((section, old), new)| (reference(section, old), reference(section, new)));
        let schemes = renamed.iter().filter(|((section, _), _)| section == "securitySchemes");
        Self {
            references: references.collect(),
            schemes: schemes.map(|((_, old), new)| (old.clone(), new.clone())).collect(),
        }
    }
}

fn follow(value: &mut Value, renames: &Renames) {
    match value {
        Value::String(text) => {
            if let Some(new) = renames.references.get(text) {
                text.clone_from(new);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| follow(item, renames)),
        Value::Object(fields) => {
            for (name, field) in fields {
                match field {
                    Value::Array(requirements) if name == "security" => {
                        requirements.iter_mut().for_each(|requirement| follow_schemes(requirement, renames));
                    }
                    _ => follow(field, renames),
                }
            }
        }
        _ => {}
    }
}

fn follow_schemes(requirement: &mut Value, renames: &Renames) {
    if let Value::Object(schemes) = requirement {
        let old = std::mem::take(schemes);
        let new = |name: String| renames.schemes.get(&name).cloned().unwrap_or(name);
        schemes.extend(old.into_iter().map(|(name, scopes)| (new(name), scopes)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(service: &str, paths: Value, schemas: Value) -> Part {
        let document = json!({"openapi": "3.1.0", "paths": paths, "components": {"schemas": schemas}});
        Part { service: service.into(), document }
    }

    fn operation(id: &str, schema: &str) -> Value {
        let reference = format!("#/components/schemas/{schema}");
        json!({"get": {"operationId": id, "responses": {"200": {"content": {"application/json": {"schema": {"$ref": reference}}}}}}})
    }

    fn schema_of<'a>(document: &'a Value, path: &str) -> &'a Value {
        let path = path.replace('/', "~1");
        let pointer = format!("/paths/{path}/get/responses/200/content/application~1json/schema/$ref");
        document.pointer(&pointer).unwrap()
    }

    #[test]
    fn equal_components_become_one_and_different_ones_are_told_apart() {
        let same = json!({"type": "object", "title": "Envelope"});
        let merged = merge(vec![
            part(
                "user",
                json!({"/a": operation("list", "Address")}),
                json!({"Address": {"type": "object"}, "Envelope": same}),
            ),
            part(
                "billing",
                json!({"/b": operation("list", "Address")}),
                json!({"Address": {"type": "string"}, "Envelope": same}),
            ),
        ]);
        assert_eq!(
            merged["components"]["schemas"],
            json!({"Address": {"type": "object"}, "billing.Address": {"type": "string"}, "Envelope": same})
        );
        assert_eq!(schema_of(&merged, "/a"), "#/components/schemas/Address");
        assert_eq!(schema_of(&merged, "/b"), "#/components/schemas/billing.Address");
        assert_eq!(merged["paths"]["/a"]["get"]["operationId"], "list");
        assert_eq!(merged["paths"]["/b"]["get"]["operationId"], "billing.list");
    }

    #[test]
    fn what_refers_to_a_different_component_is_different_too() {
        let person = json!({"properties": {"address": {"$ref": "#/components/schemas/Address"}}});
        let page = json!({"items": {"$ref": "#/components/schemas/Person"}});
        let schemas = |address: Value| json!({"Address": address, "Person": person, "Page": page});
        let merged = merge(vec![
            part("user", json!({}), schemas(json!({"type": "object"}))),
            part("billing", json!({"/b": operation("pages", "Page")}), schemas(json!({"type": "string"}))),
        ]);
        let schemas = &merged["components"]["schemas"];
        assert_eq!(schemas.as_object().unwrap().len(), 6);
        assert_eq!(schema_of(&merged, "/b"), "#/components/schemas/billing.Page");
        assert_eq!(schemas["billing.Page"]["items"]["$ref"], "#/components/schemas/billing.Person");
        assert_eq!(
            schemas["billing.Person"]["properties"]["address"]["$ref"],
            "#/components/schemas/billing.Address"
        );
        assert_eq!(schemas["Person"], person);
    }

    #[test]
    fn security_stays_with_the_service_that_asks_for_it() {
        let with = |service: &str, path: &str, scheme: Value| Part {
            service: service.into(),
            document: json!({
                "security": [{"key": []}],
                "paths": {path: {"get": {"responses": {}}, "post": {"responses": {}, "security": []}}},
                "components": {"securitySchemes": {"key": scheme}},
            }),
        };
        let merged =
            merge(vec![with("a", "/a", json!({"type": "http"})), with("b", "/b", json!({"type": "apiKey"}))]);
        assert!(merged.get("security").is_none());
        assert_eq!(merged["paths"]["/a"]["get"]["security"], json!([{"key": []}]));
        assert_eq!(merged["paths"]["/a"]["post"]["security"], json!([]));
        assert_eq!(merged["paths"]["/b"]["get"]["security"], json!([{"b.key": []}]));
        assert_eq!(merged["components"]["securitySchemes"]["b.key"], json!({"type": "apiKey"}));
    }

    #[test]
    fn nothing_merges_to_a_document_that_is_still_one() {
        let merged = merge(Vec::new());
        assert_eq!(merged["openapi"], "3.1.0");
        assert_eq!(merged["paths"], json!({}));
        assert_eq!(merged["servers"], json!([{"url": "/"}]));
    }
}
