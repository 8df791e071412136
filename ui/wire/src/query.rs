//! The one grammar of filters, for the console's `/`, for `:runs ...` and for `al runs ...`:
//! `state=failed agent=dev age<1h word !word /text with blanks`.
//!
//! A word with an operator is a condition on a fact; every other word has to stand in the row, or,
//! with `!` in front, must not. What follows `/` is one text, blanks included.

mod facts;
mod keys;

pub use facts::Line;
pub use keys::{KEYS, Key, Kind, View, span};

use std::fmt;

/// A filter that was understood; the empty one lets everything pass.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    source: String,
    terms: Vec<Term>,
}

/// What is wrong with a filter, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryError {
    /// Characters before the fault.
    pub at: usize,
    /// A sentence without a full stop.
    pub text: String,
}

impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "column {}: {}", self.at + 1, self.text)
    }
}

impl std::error::Error for QueryError {}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Term {
    Fact { key: &'static Key, op: Op, value: Value },
    Text { text: String, not: bool },
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Value {
    /// Any of these, as words are compared.
    Words(Vec<String>),
    Number(i64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Op {
    Is,
    IsNot,
    Less,
    AtMost,
    More,
    AtLeast,
    Has,
}

/// The longer ones first, so that none hides another.
const OPS: [(&str, Op); 7] = [
    ("!=", Op::IsNot),
    ("<=", Op::AtMost),
    (">=", Op::AtLeast),
    ("=", Op::Is),
    ("<", Op::Less),
    (">", Op::More),
    ("~", Op::Has),
];

impl Query {
    /// Understands `source` where the rows are those of `view`.
    ///
    /// # Errors
    /// When a condition names no fact of such rows, or compares it with what it cannot be.
    pub fn parse(view: View, source: &str) -> Result<Self, QueryError> {
        let source = source.trim();
        let mut terms = Vec::new();
        for (at, word) in words(source) {
            if let Some(text) = word.strip_prefix('/') {
                terms.extend(text_term(text));
                break;
            }
            match operator(word) {
                Some((key, op, value)) => terms.push(condition(view, at, key, op, value)?),
                None => terms.extend(text_term(&unquoted(word))),
            }
        }
        Ok(Self { source: source.to_owned(), terms })
    }

    /// The same from the words of a shell, which has taken the quotes away.
    ///
    /// # Errors
    /// Like [`Query::parse`].
    pub fn of_words(view: View, given: &[String]) -> Result<Self, QueryError> {
        let quoted = |word: &String| match (operator(word), word.contains(char::is_whitespace)) {
            (Some((key, op, value)), true) => format!("{key}{}\"{value}\"", op.sign()),
            (None, true) if !word.starts_with('/') => format!("\"{word}\""),
            _ => word.clone(),
        };
        Self::parse(view, &given.iter().map(quoted).collect::<Vec<_>>().join(" "))
    }

    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Whether a row passes, as things are at `now_ms`.
    pub fn passes(&self, line: &Line<'_>, now_ms: i64) -> bool {
        let mut all = None;
        self.terms.iter().all(|term| match term {
            Term::Fact { key, op, value } => facts::holds(line, key, *op, value, now_ms),
            Term::Text { text, not } => {
                all.get_or_insert_with(|| line.text().to_lowercase()).contains(text) != *not
            }
        })
    }

    /// The one word that this fact has to be, for who can look it up.
    pub fn only(&self, name: &str) -> Option<&str> {
        self.terms.iter().find_map(|term| match term {
            Term::Fact { key, op: Op::Is, value: Value::Words(words) } if key.name == name => {
                match &words[..] {
                    [only] => Some(only.as_str()),
                    _ => None,
                }
            }
            _ => None,
        })
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

impl Op {
    fn sign(self) -> &'static str {
        OPS.iter().find(|(_, op)| *op == self).map_or("", |(sign, _)| sign)
    }
}

/// Words with the character at which each begins. Blanks between quotes belong to a word, and so
/// does everything behind a `/` at its start.
fn words(source: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut start: Option<(usize, usize)> = None;
    let mut quoted = false;
    for (n, (at, c)) in source.char_indices().enumerate() {
        quoted ^= c == '"';
        match start {
            None if c == '/' => {
                found.push((n, &source[at..]));
                return found;
            }
            None if !c.is_whitespace() => start = Some((n, at)),
            Some((first, from)) if c.is_whitespace() && !quoted => {
                found.push((first, &source[from..at]));
                start = None;
            }
            _ => {}
        }
    }
    found.extend(start.map(|(first, from)| (first, &source[from..])));
    found
}

/// Name, operator and value of a condition; none of another word.
fn operator(word: &str) -> Option<(&str, Op, &str)> {
    let end = word.find(|c: char| !c.is_ascii_alphabetic() && c != '-' && c != '_')?;
    let (name, rest) = word.split_at(end);
    let (sign, op) = OPS.iter().find(|(sign, _)| rest.starts_with(sign))?;
    (!name.is_empty()).then(|| (name, *op, &rest[sign.len()..]))
}

fn unquoted(word: &str) -> String {
    word.replace('"', "")
}

fn text_term(text: &str) -> Option<Term> {
    let (text, not) = match text.strip_prefix('!') {
        Some(rest) if !rest.is_empty() => (rest, true),
        _ => (text, false),
    };
    (!text.is_empty()).then(|| Term::Text { text: text.to_lowercase(), not })
}

fn condition(view: View, at: usize, name: &str, op: Op, value: &str) -> Result<Term, QueryError> {
    let fault = |at: usize, text: String| QueryError { at, text };
    let there = || keys::of(view).map(|key| key.name);
    let Some(key) = keys::of(view).find(|key| key.name == name) else {
        let known = there().collect::<Vec<_>>().join(", ");
        let text = match nearest(name, there()) {
            Some(near) => format!("no key `{name}`, did you mean `{near}`?"),
            None => format!("no key `{name}`; there are {known}"),
        };
        return Err(fault(at, text));
    };
    let sign_at = at + name.chars().count();
    let allowed = key.kind.ops();
    if !allowed.contains(&op) {
        let signs: Vec<&str> = allowed.iter().map(|op| op.sign()).collect();
        let text = format!("`{name}` knows {}, not {}", signs.join(" "), op.sign());
        return Err(fault(sign_at, text));
    }
    let value_at = sign_at + op.sign().len();
    let value = unquoted(value);
    if value.is_empty() {
        return Err(fault(value_at, format!("`{name}` needs a value, as in {}", key.example())));
    }
    let value = key.kind.read(&value, op == Op::Has).map_err(|text| fault(value_at, text))?;
    Ok(Term::Fact { key, op, value })
}

/// What was meant, as far as it can be guessed.
pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|known| (strsim::jaro_winkler(name, known), known))
        .filter(|(score, _)| *score > 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, near)| near)
}

/// How words are compared: without regard to case, blanks as hyphens.
fn plain(word: &str) -> String {
    word.to_lowercase().replace([' ', '_'], "-")
}

#[cfg(test)]
mod tests;
