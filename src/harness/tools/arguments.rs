//! What a model wrote as arguments, held against the table.

use serde_json::{Map, Value};

use super::table::{Field, Kind, Row};

/// The longest piece of an argument in a complaint about it.
const QUOTED_MAX: usize = 60;

/// Arguments that are as the table wants them.
pub(super) struct Given {
    pub row: &'static Row,
    arguments: Map<String, Value>,
}

impl Given {
    /// # Errors
    /// Everything that is wrong with them, a sentence each.
    pub fn check(row: &'static Row, arguments: &Map<String, Value>) -> Result<Self, String> {
        // Some models spell out what they leave open.
        let mut arguments = arguments.clone();
        arguments.retain(|_, value| !value.is_null());
        let unknown = arguments.keys().filter(|name| row.field(name).is_none());
        let mut problems: Vec<String> = unknown.map(|name| no_such(row, name)).collect();
        for field in row.fields {
            let (of, name) = (row.name, field.name);
            let wants = field.kind.wants();
            match arguments.get(name) {
                None if field.required => problems
                    .push(format!("`{of}` needs the argument `{name}`, {wants}: {}", field.about)),
                Some(value) if !field.kind.fits(value) => problems.push(format!(
                    "the argument `{name}` of `{of}` must be {wants}, not {}",
                    quoted(value)
                )),
                None | Some(_) => {}
            }
        }
        if problems.is_empty() { Ok(Self { row, arguments }) } else { Err(problems.join("\n")) }
    }

    /// A text; empty when it was left out.
    pub fn text(&self, name: &str) -> &str {
        self.maybe(name).unwrap_or_default()
    }

    /// A text that may be left out.
    pub fn maybe(&self, name: &str) -> Option<&str> {
        self.arguments.get(name).and_then(Value::as_str)
    }

    /// A number, or the default that the table gives.
    pub fn number(&self, name: &str) -> u64 {
        let default = match self.row.field(name).map(|field| field.kind) {
            Some(Kind::Number { default, .. }) => default,
            Some(
                Kind::Text
                | Kind::AnyText
                | Kind::Span
                | Kind::Flag
                | Kind::Texts
                | Kind::Pairs
                | Kind::OneOf(_),
            )
            | None => 0,
        };
        self.arguments.get(name).and_then(whole).unwrap_or(default)
    }

    /// [`Self::number`] for what is counted in memory.
    pub fn count(&self, name: &str) -> usize {
        usize::try_from(self.number(name)).unwrap_or(usize::MAX)
    }

    /// A span of time as the commands of agents want it.
    pub fn span(&self, name: &str) -> Option<String> {
        let value = self.arguments.get(name)?;
        value.as_str().map(str::to_owned).or_else(|| whole(value).map(|s| s.to_string()))
    }

    pub fn flag(&self, name: &str) -> bool {
        self.arguments.get(name).and_then(Value::as_bool).unwrap_or(false)
    }

    pub fn texts(&self, name: &str) -> impl Iterator<Item = &str> {
        let all = self.arguments.get(name).and_then(Value::as_array);
        all.into_iter().flatten().filter_map(Value::as_str)
    }

    pub fn pairs(&self, name: &str) -> impl Iterator<Item = (&str, &str)> {
        let all = self.arguments.get(name).and_then(Value::as_object);
        all.into_iter().flatten().filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)))
    }
}

impl Kind {
    /// Whether a value is of this kind.
    fn fits(self, value: &Value) -> bool {
        match self {
            Self::Text => value.as_str().is_some_and(|text| !text.is_empty()),
            Self::AnyText => value.is_string(),
            Self::Span => value.is_string() || whole(value).is_some(),
            Self::Number { least, most, .. } => {
                whole(value).is_some_and(|number| (least..=most).contains(&number))
            }
            Self::Flag => value.is_boolean(),
            Self::Texts => value.as_array().is_some_and(|all| all.iter().all(Value::is_string)),
            Self::Pairs => value.as_object().is_some_and(|all| all.values().all(Value::is_string)),
            Self::OneOf(all) => value.as_str().is_some_and(|text| all.contains(&text)),
        }
    }
}

/// `10` and `10.0` are the same to many models.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn whole(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| {
        let number = value.as_f64()?;
        (number.fract() == 0.0 && (0.0..u32::MAX as f64).contains(&number)).then_some(number as u64)
    })
}

fn no_such(row: &Row, name: &str) -> String {
    let takes: Vec<String> =
        row.fields.iter().map(|Field { name, .. }| format!("`{name}`")).collect();
    let takes = if takes.is_empty() { "nothing".to_owned() } else { takes.join(", ") };
    format!("`{}` has no argument `{}`; it takes {takes}", row.name, short(name))
}

fn quoted(value: &Value) -> String {
    match value {
        Value::String(text) if text.is_empty() => "an empty text".to_owned(),
        Value::String(_) => format!("the text {}", short(&value.to_string())),
        Value::Number(_) | Value::Bool(_) | Value::Null => value.to_string(),
        Value::Array(_) => format!("the list {}", short(&value.to_string())),
        Value::Object(_) => format!("the object {}", short(&value.to_string())),
    }
}

fn short(text: &str) -> String {
    super::super::report::cut(text, QUOTED_MAX)
}
