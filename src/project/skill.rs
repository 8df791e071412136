//! `SKILL.md`: front matter and instructions.

use std::sync::Arc;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_saphyr::{Error, MergeKeyPolicy, UserMessageFormatter};

use super::check::rename;
use super::model::Skill;
use super::problem::{Problem, Problems, nearest, quoted};
use super::source::{At, Source};

static KEYS: &[&str] = &["name", "description", "license", "compatibility"];

/// Reads the text of a `SKILL.md`.
///
/// Leading white space does not count. A block between `---` and the next line that starts with
/// `---` is front matter when it is a YAML map; otherwise the whole text is the body.
pub fn parse(source: &Arc<Source>, problems: &mut Problems) -> Skill {
    let text = source.text.as_str();
    let whole = || Skill { body: text.to_owned(), ..Skill::default() };
    let Some(split) = split(text) else { return whole() };
    let yaml = &text[split.yaml.clone()];
    let fields = match read_yaml(yaml) {
        Ok(Some(fields)) => fields,
        Ok(None) => return whole(),
        Err(e) => {
            problems.push(not_yaml(source, &split.yaml, &e));
            return whole();
        }
    };
    let mut skill = Skill { body: text[split.body..].to_owned(), ..Skill::default() };
    let written: Vec<String> = fields.iter().map(|(key, _)| key.clone()).collect();
    for (key, value) in fields {
        let at = || key_at(source, &split.yaml, &key);
        let slot = match key.as_str() {
            "name" => &mut skill.name,
            "description" => &mut skill.description,
            "license" => &mut skill.license,
            "compatibility" => &mut skill.compatibility,
            _ => {
                let problem = Problem::error_at(&at(), format!("unknown key {}", quoted(&key)))
                    .code("key_unknown");
                problems.unknown(match nearest(&key, KEYS.iter().copied()) {
                    Some(near) => problem
                        .hint(format!("did you mean `{near}`?"))
                        .mend(rename(Some(near), &written)),
                    None => problem.hint(
                        "front matter has name, description, license and compatibility; \
                         settings of the run belong in config.toml",
                    ),
                });
                continue;
            }
        };
        match value {
            Value::String(s) => *slot = Some(s),
            Value::Null => {}
            other => problems.push(
                Problem::error_at(
                    &at(),
                    format!("`{key}` must be a string, found {}", found(&other)),
                )
                .code("value_wrong")
                .maybe_hint(scalar(&other).map(|s| format!("put it in quotes: `{key}: \"{s}\"`"))),
            ),
        }
    }
    skill
}

/// Reads the text of a `SKILL.md` that is no file of a project; what is wrong in it is left out.
pub fn read_skill(text: &str) -> Skill {
    let source = Source { path: "".into(), shown: String::new(), text: text.to_owned() };
    parse(&Arc::new(source), &mut Problems::new(false))
}

struct Split {
    yaml: std::ops::Range<usize>,
    /// Where the body starts.
    body: usize,
}

fn split(text: &str) -> Option<Split> {
    let start = text.len() - text.trim_start_matches(is_space).len();
    let open = start + text[start..].starts_with("---").then_some(3)?;
    let close = open + text[open..].find("\n---")?;
    let fence = close + "\n---".len();
    let after = text[fence..].find('\n').map_or(text.len(), |n| fence + n + 1);
    let rest = &text[after..];
    let blank =
        rest.len() - rest.strip_prefix("\r\n").or(rest.strip_prefix('\n')).unwrap_or(rest).len();
    Some(Split { yaml: open..close + 1, body: after + blank })
}

/// A byte order mark counts as white space.
fn is_space(c: char) -> bool {
    c.is_whitespace() || c == '\u{feff}'
}

fn read_yaml(yaml: &str) -> Result<Option<Vec<(String, Value)>>, Error> {
    if yaml.lines().all(|l| l.trim().is_empty() || l.trim_start().starts_with('#')) {
        return Ok(Some(Vec::new()));
    }
    let options = serde_saphyr::options! {
        strict_booleans: true,
        merge_keys: MergeKeyPolicy::AsOrdinary,
        with_snippet: false,
        budget: serde_saphyr::budget! {
            max_depth: 32,
            max_nodes: 10_000,
            max_events: 20_000,
            max_anchors: 16,
            max_aliases: 16,
            max_documents: 1,
        },
    };
    Ok(serde_saphyr::from_str_with_options::<Front>(yaml, options)?.0)
}

/// A map's entries in order; none for everything that is no map.
struct Front(Option<Vec<(String, Value)>>);

impl<'de> Deserialize<'de> for Front {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FrontVisitor)
    }
}

struct FrontVisitor;

impl<'de> Visitor<'de> for FrontVisitor {
    type Value = Front;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("keys and values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Front, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry::<String, Value>()? {
            fields.push(field);
        }
        Ok(Front(Some(fields)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Front, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Front(None))
    }

    fn visit_str<E>(self, _: &str) -> Result<Front, E> {
        Ok(Front(None))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Front, E> {
        Ok(Front(None))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Front, E> {
        Ok(Front(None))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Front, E> {
        Ok(Front(None))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Front, E> {
        Ok(Front(None))
    }

    fn visit_unit<E>(self) -> Result<Front, E> {
        Ok(Front(Some(Vec::new())))
    }

    fn visit_none<E>(self) -> Result<Front, E> {
        Ok(Front(Some(Vec::new())))
    }
}

fn not_yaml(source: &Arc<Source>, yaml: &std::ops::Range<usize>, e: &Error) -> Problem {
    let text = &source.text[yaml.clone()];
    let offset = e.location().map_or(0, |place| {
        let line = place.line().saturating_sub(1) as usize;
        let line_start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
        let column = place.column().saturating_sub(1) as usize;
        let rest = &text[line_start.min(text.len())..];
        line_start + rest.char_indices().nth(column).map_or(0, |(i, _)| i)
    });
    let start = (yaml.start + offset).min(source.text.len());
    let at = At { source: source.clone(), span: start..start };
    let problem = |reason: &str| {
        Problem::error_at(&at, format!("front matter is not valid YAML: {reason}")).code("yaml_bad")
    };
    match e.without_snippet() {
        Error::DuplicateMappingKey { key: Some(key), .. } => {
            problem(&format!("the key {} is there twice", quoted(key)))
        }
        Error::RecursiveReferencesRequireWeakTypes { .. } => problem("a value contains itself"),
        Error::Budget { .. } => problem("it is too long or too deep for front matter"),
        other => {
            let message = other.render_with_formatter(&UserMessageFormatter);
            // The place in it counts from the start of the block; the one of the file is shown.
            let reason = message.lines().next().unwrap_or_default();
            problem(reason.split(" at line ").next().unwrap_or(reason))
                .hint("put texts with `: `, `#` or quotes inside into double quotes")
        }
    }
}

/// The line of a key in a block; the whole block when it is written in another style.
fn key_at(source: &Arc<Source>, yaml: &std::ops::Range<usize>, key: &str) -> At {
    let mut start = yaml.start;
    for line in source.text[yaml.clone()].split_inclusive('\n') {
        let bare = line.trim_start_matches(['"', '\'']);
        if bare
            .strip_prefix(key)
            .is_some_and(|r| r.trim_start_matches(['"', '\'', ' ']).starts_with(':'))
        {
            let quote = line.len() - bare.len();
            let span = start + quote..start + quote + key.len();
            return At { source: source.clone(), span };
        }
        start += line.len();
    }
    At { source: source.clone(), span: yaml.clone() }
}

fn found(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}

fn scalar(value: &Value) -> Option<String> {
    matches!(value, Value::Bool(_) | Value::Number(_)).then(|| value.to_string())
}
