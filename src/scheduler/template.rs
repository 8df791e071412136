//! Texts made from a payload: `{repo}#{number}` becomes `acme/api#12`. Runs whose texts are equal
//! belong together.

use serde_json::Value;
use sha2::{Digest, Sha256};

/// A longer text is cut here, and a digest of all of it follows. What was not cut is never as long
/// as what was, so different texts stay different.
const LONGEST: usize = 480;
/// Bytes of the digest, each of them two characters.
const DIGEST: usize = 16;

/// A parsed template: literal text with placeholders for values of a payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    /// The way to a value, from the outermost key.
    Value(Vec<String>),
}

impl Template {
    /// Reads a template. `{a.b.0}` stands for a value by the keys that lead to it, a list's items
    /// by number from 0; `{{` and `}}` are braces. Without a placeholder it is the same text for
    /// every payload.
    ///
    /// # Errors
    /// At which character it is wrong, and how to write it.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("it is empty; write a text or a placeholder like {repo}".to_owned());
        }
        let (mut parts, mut literal, mut rest) = (Vec::new(), String::new(), text);
        while let Some(brace) = rest.find(['{', '}']) {
            literal.push_str(&rest[..brace]);
            let position = text[..text.len() - rest.len() + brace].chars().count() + 1;
            let (sign, after) = rest[brace..].split_at(1);
            if let Some(after) = after.strip_prefix(sign) {
                literal.push_str(sign);
                rest = after;
                continue;
            }
            if sign == "}" {
                return Err(format!(
                    "the `}}` at character {position} closes nothing; write `}}}}` for a brace"
                ));
            }
            let inside = inside(after, position)?;
            rest = &after[inside.len() + 1..];
            if !literal.is_empty() {
                parts.push(Part::Literal(std::mem::take(&mut literal)));
            }
            parts.push(Part::Value(path(inside, position)?));
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        Ok(Self { parts })
    }

    /// The text for a payload, at most 512 bytes. None when a value is missing, null, a list or an
    /// object: such payloads have nothing in common that could be compared.
    pub fn render(&self, payload: &Value) -> Option<String> {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Literal(literal) => text.push_str(literal),
                Part::Value(path) => match find(payload, path)? {
                    Value::String(s) => text.push_str(s),
                    Value::Number(n) => text.push_str(&n.to_string()),
                    Value::Bool(b) => text.push_str(if *b { "true" } else { "false" }),
                    Value::Null | Value::Array(_) | Value::Object(_) => return None,
                },
            }
        }
        Some(bounded(text))
    }
}

/// What stands between the brace at `position` and the one that closes it.
fn inside(after: &str, position: usize) -> Result<&str, String> {
    match after.find(['{', '}']) {
        Some(end) if after[end..].starts_with('}') => Ok(&after[..end]),
        _ => Err(format!(
            "the `{{` at character {position} is not closed; write {{repo}}, or `{{{{` for a brace"
        )),
    }
}

fn path(inside: &str, position: usize) -> Result<Vec<String>, String> {
    let keys = inside.split('.');
    match keys.clone().all(|key| !key.is_empty() && key.trim() == key) {
        true => Ok(keys.map(str::to_owned).collect()),
        false => Err(format!(
            "`{{{inside}}}` at character {position} names no value; write keys with a dot between \
             them and no spaces around, like {{repo}} or {{labels.0}}"
        )),
    }
}

fn find<'a>(payload: &'a Value, path: &[String]) -> Option<&'a Value> {
    path.iter().try_fold(payload, |value, key| match value {
        Value::Object(object) => object.get(key),
        Value::Array(list) => list.get(index(key)?),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    })
}

/// Digits only: the library would take a sign.
fn index(key: &str) -> Option<usize> {
    key.bytes().all(|b| b.is_ascii_digit()).then(|| key.parse().ok())?
}

fn bounded(mut text: String) -> String {
    if text.len() > LONGEST {
        let digest = hex::encode(&Sha256::digest(text.as_bytes())[..DIGEST]);
        text.truncate(text.floor_char_boundary(LONGEST));
        text.push_str(&digest);
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn placeholders_become_values_of_the_payload() {
        let payload = json!({
            "repo": "acme/api",
            "number": 12,
            "draft": false,
            "share": 0.5,
            "empty": "",
            "none": null,
            "braces": "{repo}",
            "labels": ["bug", {"name": "p1"}],
            "user": {"login": "ann", "0": "zero", "first name": "Ann"},
        });
        let check = |template: &str, expected: Option<&str>| {
            let text = Template::parse(template).unwrap().render(&payload);
            assert_eq!(text.as_deref(), expected, "{template}");
        };
        check("{repo}#{number}", Some("acme/api#12"));
        check("{draft} {share}", Some("false 0.5"));
        check("[{empty}]", Some("[]"));
        check("{braces}", Some("{repo}"));
        check("{user.login}/{labels.0}/{labels.1.name}", Some("ann/bug/p1"));
        check("{user.0} {user.first name}", Some("zero Ann"));
        check("one lane for all, grüße", Some("one lane for all, grüße"));
        check("{{{repo}}} {{}} {{repo}}", Some("{acme/api} {} {repo}"));
        for nothing in ["{none}", "{labels}", "{user}", "{title}", "{repo.name}", "{number.0}"] {
            check(nothing, None);
            check(&format!("{{repo}} {nothing}"), None);
        }
        for index in ["{labels.2}", "{labels.+0}", "{labels.-1}", "{labels.name}"] {
            check(index, None);
        }
        check("{labels.99999999999999999999999}", None);
    }

    #[test]
    fn what_is_no_template_is_refused_with_its_place() {
        let check = |template: &str, expected: &str| {
            let error = Template::parse(template).unwrap_err();
            assert!(error.starts_with(expected), "{template}: {error}");
        };
        check("", "it is empty; write");
        check("ü{repo", "the `{` at character 2 is not closed; write {repo}, or `{{`");
        check("{", "the `{` at character 1 is not closed");
        check("{{{", "the `{` at character 3 is not closed");
        check("{a{b}", "the `{` at character 1 is not closed");
        check("repo}", "the `}` at character 5 closes nothing; write `}}`");
        check("{repo}}", "the `}` at character 7 closes nothing");
        check("{}", "`{}` at character 1 names no value; write");
        check("#{ repo }", "`{ repo }` at character 2 names no value");
        check("{a..b}", "`{a..b}` at character 1 names no value");
        check("{.a}", "`{.a}` at character 1 names no value");
        check("{a. b}", "`{a. b}` at character 1 names no value");
    }

    #[test]
    fn long_texts_are_cut_and_stay_different() {
        let template = Template::parse("{text}").unwrap();
        let render = |text: &str| template.render(&json!({ "text": text })).unwrap();
        let whole = "x".repeat(LONGEST);
        assert_eq!(render(&whole), whole);
        let (one, other) = (render(&format!("{whole}1")), render(&format!("{whole}2")));
        assert_eq!((one.len(), other.len()), (512, 512));
        assert!(one.starts_with(&whole) && other.starts_with(&whole));
        assert_ne!(one, other);
        // What looks like a text that was cut is cut itself.
        assert_ne!(render(&one), one);
        let wide = render(&"日".repeat(1000));
        assert!(wide.len() <= 512 && wide.starts_with(&"日".repeat(160)), "{wide}");
        let odd = render(&format!("x{}", "日".repeat(1000)));
        assert!(odd.len() > LONGEST && odd.len() < 512, "{odd}");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

        #[test]
        fn text_without_braces_stays_as_it_is(text in "[^{}]{1,100}") {
            let template = Template::parse(&text).unwrap();
            prop_assert_eq!(template.render(&Value::Null), Some(text));
        }

        #[test]
        fn any_text_can_be_written_with_its_braces_doubled(text in ".{1,100}") {
            let doubled = text.replace('{', "{{").replace('}', "}}");
            let template = Template::parse(&doubled).unwrap();
            prop_assert_eq!(template.render(&Value::Null), Some(text));
        }

        #[test]
        fn whatever_stands_there_is_a_template_or_refused(text in "[{}a.0 ü]{0,20}") {
            if let Ok(template) = Template::parse(&text) {
                template.render(&json!({ "a": ["0", { "a": 1 }], "0": "ü" }));
            }
        }
    }
}
