//! A delivery that somebody wrote down: `{"headers": {...}, "body": ...}`.

use std::borrow::Cow;
use std::fmt;

use serde_json::{Map, Value, json};

use super::headers::Headers;

/// Headers and body of a delivery, without a connection that they came by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fixture {
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// Why something is no fixture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FixtureError {
    /// Not JSON; the message names line and column.
    NotJson(String),
    /// JSON of another shape.
    Shape(String),
}

impl fmt::Display for FixtureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotJson(why) => write!(f, "not valid JSON: {why}"),
            Self::Shape(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for FixtureError {}

impl Fixture {
    /// Reads the JSON text of a fixture. Other keys than `headers` and `body` are for people.
    ///
    /// # Errors
    /// When it is no JSON, or not an object with both.
    pub fn parse(text: &[u8]) -> Result<Self, FixtureError> {
        let value: Value =
            serde_json::from_slice(text).map_err(|e| FixtureError::NotJson(e.to_string()))?;
        match value {
            Value::Object(mut object) => {
                let mut part = |name| object.remove(name).unwrap_or(Value::Null);
                Self::new(part("headers"), part("body"))
            }
            other => Err(expected("a fixture", "an object with `headers` and `body`", &other)),
        }
    }

    /// A body that is a string is taken as it is; an object is written as the sender would, also
    /// where the headers say that it comes as a form.
    ///
    /// # Errors
    /// When `headers` is no object of strings, or `body` neither an object nor a string.
    pub fn new(headers: Value, body: Value) -> Result<Self, FixtureError> {
        let headers = match headers {
            Value::Object(object) => read_headers(&object)?,
            other => return Err(expected("`headers`", "an object of strings", &other)),
        };
        let body = match body {
            Value::String(raw) => raw.into_bytes(),
            object @ Value::Object(_) => written(&headers, &object.to_string()).into_owned().into(),
            other => {
                return Err(expected("`body`", "an object, or a string with raw text", &other));
            }
        };
        Ok(Self { headers, body })
    }

    /// The JSON that [`Fixture::parse`] reads as this; the body is text.
    pub fn to_json(&self) -> Value {
        let mut headers = Map::new();
        for (name, value) in &self.headers {
            let list = headers.entry(name.clone()).or_insert_with(|| Value::Array(Vec::new()));
            if let Value::Array(list) = list {
                list.push(value.as_str().into());
            }
        }
        json!({"headers": headers, "body": String::from_utf8_lossy(&self.body)})
    }

    /// The headers as a delivery's are read.
    pub fn view(&self) -> Headers<'_> {
        self.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect()
    }
}

/// A header that came several times is a list.
fn read_headers(object: &Map<String, Value>) -> Result<Vec<(String, String)>, FixtureError> {
    let mut headers = Vec::new();
    for (name, value) in object {
        let values = match value {
            Value::Array(list) => list.as_slice(),
            one => std::slice::from_ref(one),
        };
        for value in values {
            let text = match value {
                Value::String(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                other => return Err(expected(&format!("header `{name}`"), "a string", other)),
            };
            headers.push((name.clone(), text));
        }
    }
    Ok(headers)
}

fn written<'a>(headers: &[(String, String)], json: &'a str) -> Cow<'a, str> {
    let is_form = headers.iter().any(|(name, value)| {
        name.eq_ignore_ascii_case("content-type")
            && value.to_ascii_lowercase().contains("application/x-www-form-urlencoded")
    });
    if !is_form {
        return Cow::Borrowed(json);
    }
    let mut form = form_urlencoded::Serializer::new(String::new());
    Cow::Owned(form.append_pair("payload", json).finish())
}

fn expected(what: &str, wanted: &str, found: &Value) -> FixtureError {
    let found = match found {
        Value::Null => return FixtureError::Shape(format!("{what} is missing: it is {wanted}")),
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    FixtureError::Shape(format!("{what} must be {wanted}, found {found}"))
}
