//! `GET /openapi.json`: what the gateway answers, in OpenAPI 3.1. It names routes and no secrets, so
//! it needs no key.
//!
//! It is put together from one file for each family of routes, which says once what holds for all
//! of the family. A test holds it against the table of routes.

use std::sync::LazyLock;

use axum::http::{HeaderValue, header};
use axum::response::IntoResponse;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::gateway::reply::{Answered, Problem};

const HEAD: &str = include_str!("openapi/head.yaml");
const FAMILIES: [&str; 14] = [
    include_str!("openapi/public.yaml"),
    include_str!("openapi/webhooks.yaml"),
    include_str!("openapi/orders.yaml"),
    include_str!("openapi/state.yaml"),
    include_str!("openapi/dashboard.yaml"),
    include_str!("openapi/stats.yaml"),
    include_str!("openapi/logs.yaml"),
    include_str!("openapi/receipts.yaml"),
    include_str!("openapi/audit.yaml"),
    include_str!("openapi/login.yaml"),
    include_str!("openapi/sessions.yaml"),
    include_str!("openapi/streams.yaml"),
    include_str!("openapi/console.yaml"),
    include_str!("openapi/runs.yaml"),
];

/// A family of routes.
#[derive(Debug, Deserialize)]
struct Family {
    tag: String,
    /// Whose routes these are.
    who: String,
    /// Of each operation, besides its own.
    #[serde(default)]
    parameters: Vec<Value>,
    /// Of each operation, where it says nothing else.
    #[serde(default)]
    answers: Map<String, Value>,
    paths: Map<String, Value>,
}

static DOCUMENT: LazyLock<Result<String, String>> = LazyLock::new(|| {
    let document = document().map_err(|error| error.to_string())?;
    serde_json::to_string(&document).map_err(|error| error.to_string())
});

pub async fn openapi() -> Answered {
    match &*DOCUMENT {
        Ok(text) => {
            let kind = HeaderValue::from_static("application/json");
            Ok(([(header::CONTENT_TYPE, kind)], text.as_str()).into_response())
        }
        // A test reads the same files.
        Err(_) => Err(Problem::internal()),
    }
}

fn document() -> Result<Value, serde_saphyr::Error> {
    let mut head: Map<String, Value> = serde_saphyr::from_str(HEAD)?;
    let (who, names) = (take(&mut head, "x-who"), take(&mut head, "x-path"));
    let mut paths = Map::new();
    for family in FAMILIES {
        let mut family: Family = serde_saphyr::from_str(family)?;
        for (path, mut item) in std::mem::take(&mut family.paths) {
            for (method, operation) in item.as_object_mut().into_iter().flatten() {
                let who = &who[&family.who];
                complete(operation, &family, who, &path, &names);
                if method != "get" {
                    add(operation, &who["writes"]);
                }
            }
            paths.insert(path, item);
        }
    }
    head.insert("paths".to_owned(), paths.into());
    Ok(head.into())
}

fn take(head: &mut Map<String, Value>, key: &str) -> Value {
    head.shift_remove(key).unwrap_or_default()
}

/// Adds to an operation what its family, its caller and its path say.
fn complete(operation: &mut Value, family: &Family, who: &Value, path: &str, names: &Value) {
    operation["tags"] = json!([family.tag]);
    if operation.get("security").is_none() {
        operation["security"] = who["security"].clone();
    }
    let named = variable(path).map(|name| {
        json!({
            "name": name,
            "in": "path",
            "required": true,
            "description": names[name],
            "schema": {"type": "string", "minLength": 1},
        })
    });
    let named: Vec<Value> = named.collect();
    let own = operation["parameters"].take();
    operation["parameters"] = named.into();
    add(operation, &json!({"parameters": own}));
    add(operation, &json!({"parameters": family.parameters, "answers": family.answers}));
    add(operation, who);
}

/// Adds to an operation these parameters, and these answers where it says nothing else.
fn add(operation: &mut Value, more: &Value) {
    let mut parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
    parameters.extend(more["parameters"].as_array().into_iter().flatten().cloned());
    operation["parameters"] = parameters.into();
    let mut answers = operation["responses"].as_object().cloned().unwrap_or_default();
    for (code, answer) in more["answers"].as_object().into_iter().flatten() {
        answers.entry(code).or_insert_with(|| answer.clone());
    }
    answers.sort_keys();
    operation["responses"] = answers.into();
}

/// The names of the variable parts of a path.
fn variable(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Every `$ref` below a value.
    fn references<'v>(value: &'v Value, found: &mut BTreeSet<&'v str>) {
        match value {
            Value::Object(fields) => {
                found.extend(fields.get("$ref").and_then(Value::as_str));
                fields.values().for_each(|value| references(value, found));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    #[test]
    fn whatever_is_referred_to_is_there_and_the_rest_is_not() {
        let document = document().unwrap();
        let mut found = BTreeSet::new();
        references(&document, &mut found);
        for reference in &found {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
        for kind in ["schemas", "responses", "parameters", "headers"] {
            for name in document["components"][kind].as_object().unwrap().keys() {
                let reference = format!("#/components/{kind}/{name}");
                assert!(found.contains(reference.as_str()), "nobody uses {reference}");
            }
        }
    }

    /// Every name in a list of fields below a value.
    fn fields<'v>(value: &'v Value, found: &mut Vec<&'v Value>) {
        match value {
            Value::Object(map) => {
                found.extend(map.get("required").and_then(Value::as_array).into_iter().flatten());
                map.values().for_each(|value| fields(value, found));
            }
            Value::Array(items) => items.iter().for_each(|item| fields(item, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    /// YAML takes `n` and `on` for something else.
    #[test]
    fn the_names_of_fields_are_texts() {
        let document = document().unwrap();
        let mut found = Vec::new();
        fields(&document, &mut found);
        assert!(found.len() > 100 && found.iter().all(|name| name.is_string()), "{found:?}");
    }

    #[test]
    fn each_operation_says_who_may_use_it_and_what_it_answers() {
        let document = document().unwrap();
        let tags: Vec<&Value> =
            document["tags"].as_array().unwrap().iter().map(|tag| &tag["name"]).collect();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let place = format!("{method} {path}");
                assert!(["get", "post"].contains(&method.as_str()), "{place}");
                assert!(operation["summary"].is_string(), "{place}");
                assert!(operation["security"].is_array(), "{place}");
                assert!(tags.contains(&&operation["tags"][0]), "{place}");
                let mut codes = operation["responses"].as_object().unwrap().keys();
                assert!(codes.any(|code| code.starts_with('2')), "{place}");
                for parameter in operation["parameters"].as_array().unwrap() {
                    let described = !parameter["description"].is_null();
                    assert!(described || parameter["in"] != "path", "{place}: {parameter}");
                }
            }
        }
    }
}
