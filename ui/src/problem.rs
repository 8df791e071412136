//! What is wrong in a file of the user, by its line.

use serde::Serialize;
use std::fmt;

/// Something in a file that was left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    pub line: usize,
    pub what: String,
}

impl Problem {
    /// Why a text is no TOML at all.
    pub fn no_toml(text: &str, error: &toml::de::Error) -> Self {
        let at = error.span().map_or(0, |span| span.start);
        Self { line: line_of(text, at), what: error.message().trim_end().to_owned() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

/// The line of a byte, from 1.
pub fn line_of(text: &str, at: usize) -> usize {
    1 + text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count()
}

/// The known name that is most like `name`, as the end of a sentence: `, did you mean ...?`
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let near = al_wire::query::nearest(name, known.into_iter());
    near.map_or(String::new(), |near| format!(", did you mean `{near}`?"))
}

/// The first of several sentences, and how many there are besides.
pub fn first_of(sentences: &[String]) -> Option<String> {
    match sentences {
        [] => None,
        [only] => Some(only.clone()),
        [first, rest @ ..] => Some(format!("{first} (and {} more)", rest.len())),
    }
}
