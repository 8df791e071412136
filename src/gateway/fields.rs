//! The fields of a run's request, each read with the complaint that its author needs.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::reply::Problem;
use crate::scheduler::Millis;

/// What stands in the body beside the token.
#[derive(Debug, Default)]
pub struct Fields(Map<String, Value>);

impl Fields {
    pub fn new(fields: Map<String, Value>) -> Self {
        Self(fields)
    }

    fn get(&self, field: &str) -> Option<&Value> {
        self.0.get(field).filter(|value| !value.is_null())
    }

    /// A text as it was sent.
    pub fn text(&self, field: &str) -> Result<&str, Problem> {
        self.text_if_any(field)?.ok_or_else(|| missing(field))
    }

    /// A text that says something.
    pub fn some_text(&self, field: &str) -> Result<&str, Problem> {
        self.text_if_any(field)?.filter(|text| !text.is_empty()).ok_or_else(|| missing(field))
    }

    pub fn text_if_any(&self, field: &str) -> Result<Option<&str>, Problem> {
        match self.get(field) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Problem::bad_request(format!("{field} must be a string"))),
        }
    }

    /// False when it does not stand there.
    pub fn flag(&self, field: &str) -> Result<bool, Problem> {
        match self.get(field) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(Problem::bad_request(format!("{field} must be true or false"))),
        }
    }

    /// A span, sent in whole seconds; nothing and 0 are the default of whoever is asked.
    pub fn span_ms(&self, field: &str, longest_s: u32) -> Result<Option<Millis>, Problem> {
        let Some(value) = self.get(field) else { return Ok(None) };
        // Not every client can tell 60 from 60.0.
        let whole = |s: &f64| s.fract() == 0.0 && (0.0..=f64::from(longest_s)).contains(s);
        match value.as_f64().filter(whole) {
            Some(seconds) if seconds > 0.0 => Ok(Some(seconds as Millis * 1000)),
            Some(_) => Ok(None),
            None => Err(Problem::bad_request(format!(
                "{field} must be a whole number of seconds, {longest_s} at most"
            ))),
        }
    }

    /// A number of things, none when it does not stand there.
    pub fn count(&self, field: &str) -> Result<Option<u64>, Problem> {
        /// The largest number that every client can tell from its neighbours.
        const MOST: f64 = 9_007_199_254_740_992.0;
        let Some(value) = self.get(field) else { return Ok(None) };
        let whole = |n: &f64| n.fract() == 0.0 && (0.0..=MOST).contains(n);
        match value.as_f64().filter(whole) {
            Some(n) => Ok(Some(n as u64)),
            None => Err(Problem::bad_request(format!("{field} must be a whole number, 0 or more"))),
        }
    }

    pub fn texts(&self, field: &str) -> Result<Vec<&str>, Problem> {
        let wrong = || Problem::bad_request(format!("{field} must be a list of strings"));
        match self.get(field) {
            None => Ok(Vec::new()),
            Some(Value::Array(items)) => {
                items.iter().map(|item| item.as_str().ok_or_else(wrong)).collect()
            }
            Some(_) => Err(wrong()),
        }
    }

    pub fn text_map(&self, field: &str) -> Result<BTreeMap<&str, &str>, Problem> {
        let wrong = || Problem::bad_request(format!("{field} must be an object of strings"));
        match self.get(field) {
            None => Ok(BTreeMap::new()),
            Some(Value::Object(entries)) => entries
                .iter()
                .map(|(name, text)| Ok((name.as_str(), text.as_str().ok_or_else(wrong)?)))
                .collect(),
            Some(_) => Err(wrong()),
        }
    }
}

fn missing(field: &str) -> Problem {
    Problem::bad_request(format!("missing {field}"))
}

/// # Errors
/// When the text is longer than `max` bytes.
pub fn bounded<'t>(field: &str, text: &'t str, max: usize) -> Result<&'t str, Problem> {
    if text.len() > max {
        return Err(Problem::bad_request(format!("{field} is longer than {max} bytes")));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn spans_are_whole_seconds_and_none_is_the_default() {
        let check = |value: Value, expected: Option<Option<Millis>>| {
            let Value::Object(fields) = json!({"ttl": value}) else { panic!("an object") };
            let found = Fields::new(fields).span_ms("ttl", 3600).ok();
            assert_eq!(found, expected, "{value}");
        };
        check(json!(null), Some(None));
        check(json!(0), Some(None));
        check(json!(60), Some(Some(60_000)));
        check(json!(60.0), Some(Some(60_000)));
        check(json!(-1), None);
        check(json!(0.5), None);
        check(json!("60"), None);
        check(json!(3600), Some(Some(3_600_000)));
        check(json!(3601), None);
        check(json!(u64::MAX), None);
        check(json!(1e300), None);
    }
}
