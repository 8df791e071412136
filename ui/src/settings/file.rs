//! `console.toml`: what it may say, with every problem named by its line.

use super::options::OPTIONS;
use crate::keymap::Wish;
use crate::layout::Plan;
use crate::problem::{Problem, line_of, nearest};
use std::collections::BTreeMap;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// What the file says, as far as it can be understood without knowing the console.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConsoleFile {
    pub wishes: Vec<Wish>,
    pub theme: Option<ThemeChoice>,
    /// Names of options with their values, both known.
    pub set: Vec<(&'static str, &'static str)>,
    pub contexts: BTreeMap<String, ContextRules>,
    pub layout: Plan,
    pub problems: Vec<Problem>,
}

/// One theme, or one for dark and one for light terminals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThemeChoice {
    pub dark: String,
    pub light: String,
}

/// What holds in one environment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContextRules {
    pub theme: Option<String>,
    /// Whatever is asked about is asked in the strictest way.
    pub protected: bool,
}

const KEYS: [&str; 5] = ["keys", "theme", "set", "context", "layout"];

/// Reads the file. An error means that it is no TOML at all.
pub fn read(text: &str) -> Result<ConsoleFile, Problem> {
    let table = DeTable::parse(text).map_err(|error| Problem::no_toml(text, &error))?;
    let mut reader = Reader { text, file: ConsoleFile::default() };
    reader.root(table.get_ref());
    reader.file.problems.sort_by_key(|problem| problem.line);
    Ok(reader.file)
}

pub(super) struct Reader<'a> {
    text: &'a str,
    pub(super) file: ConsoleFile,
}

pub(super) type Value<'a> = Spanned<DeValue<'a>>;

impl Reader<'_> {
    fn root(&mut self, root: &DeTable<'_>) {
        for (key, value) in root {
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("keys", DeValue::Table(keys)) => self.keys(keys),
                ("theme", DeValue::String(name)) => {
                    let (dark, light) = (name.to_string(), name.to_string());
                    self.file.theme = Some(ThemeChoice { dark, light });
                }
                ("theme", DeValue::Table(pair)) => self.theme(value, pair),
                ("set", DeValue::Table(set)) => self.set(set),
                ("context", DeValue::Table(contexts)) => self.contexts(contexts),
                ("layout", DeValue::Table(layout)) => self.layout(layout),
                (known, other) if KEYS.contains(&known) => {
                    self.problem(value, format!("`{known}` cannot be a {}", other.type_str()));
                }
                (unknown, _) => self.unknown(key.span().start, "key", unknown, &KEYS),
            }
        }
    }

    fn theme(&mut self, value: &Value<'_>, pair: &DeTable<'_>) {
        let one = |name: &str| Some(pair.get(name)?.get_ref().as_str()?.to_owned());
        match (one("dark"), one("light")) {
            (Some(dark), Some(light)) => self.file.theme = Some(ThemeChoice { dark, light }),
            _ => {
                let what = "`theme` is a name, or { dark = \"...\", light = \"...\" }".to_owned();
                self.problem(value, what);
            }
        }
        self.known_keys(pair, &["dark", "light"]);
    }

    fn set(&mut self, set: &DeTable<'_>) {
        for (key, value) in set {
            let name = key.get_ref().as_ref();
            let Some(option) = OPTIONS.iter().find(|option| option.name == name) else {
                let names: Vec<&str> = OPTIONS.iter().map(|option| option.name).collect();
                self.unknown(key.span().start, "option", name, &names);
                continue;
            };
            let word = match value.get_ref() {
                DeValue::Boolean(on) => Some(if *on { "on" } else { "off" }),
                other => other.as_str(),
            };
            let written = || self.text.get(value.span()).unwrap_or_default();
            match option.value(word.unwrap_or_else(written)) {
                Ok(value) => self.file.set.push((option.name, value)),
                Err(why) => self.problem(value, why),
            }
        }
    }

    fn contexts(&mut self, contexts: &DeTable<'_>) {
        for (name, value) in contexts {
            let DeValue::Table(table) = value.get_ref() else {
                self.problem(value, "a context is a table".to_owned());
                continue;
            };
            let mut rules = ContextRules::default();
            for (key, value) in table {
                match (key.get_ref().as_ref(), value.get_ref()) {
                    ("theme", DeValue::String(name)) => rules.theme = Some(name.to_string()),
                    ("protected", DeValue::Boolean(protected)) => rules.protected = *protected,
                    ("theme", _) => self.problem(value, "`theme` is a name".to_owned()),
                    ("protected", _) => {
                        // A slip must not take the protection away.
                        rules.protected = true;
                        self.problem(value, "`protected` is true or false".to_owned());
                    }
                    _ => {}
                }
            }
            self.known_keys(table, &["theme", "protected"]);
            self.file.contexts.insert(name.get_ref().to_string(), rules);
        }
    }

    /// An action and its keys: a list, or one string.
    fn keys(&mut self, keys: &DeTable<'_>) {
        for (id, value) in keys {
            let mut wish = Wish {
                id: id.get_ref().to_string(),
                line: line_of(self.text, id.span().start),
                keys: Vec::new(),
            };
            match value.get_ref() {
                DeValue::String(_) => wish.keys.extend(self.key(value)),
                DeValue::Array(list) => {
                    let keys: Vec<_> = list.iter().filter_map(|key| self.key(key)).collect();
                    // A list of mistakes is not the empty list, which takes all keys away.
                    if keys.is_empty() && !list.is_empty() {
                        continue;
                    }
                    wish.keys = keys;
                }
                other => {
                    let what = format!("keys are a list of strings, not a {}", other.type_str());
                    self.problem(value, what);
                    continue;
                }
            }
            self.file.wishes.push(wish);
        }
    }

    fn key(&mut self, value: &Value<'_>) -> Option<(String, usize)> {
        let text = value.get_ref().as_str().map(str::to_owned);
        if text.is_none() {
            self.problem(value, "a key is a string, such as \"F9\"".to_owned());
        }
        Some((text?, line_of(self.text, value.span().start)))
    }

    pub(super) fn known_keys(&mut self, table: &DeTable<'_>, known: &[&str]) {
        for (key, _) in table {
            if !known.contains(&key.get_ref().as_ref()) {
                self.unknown(key.span().start, "key", key.get_ref(), known);
            }
        }
    }

    pub(super) fn unknown(&mut self, at: usize, kind: &str, name: &str, known: &[&str]) {
        let near = nearest(name, known.iter().copied());
        self.at(at, format!("unknown {kind} `{name}`{near}"));
    }

    pub(super) fn problem(&mut self, value: &Value<'_>, what: String) {
        self.at(value.span().start, what);
    }

    fn at(&mut self, at: usize, what: String) {
        self.file.problems.push(Problem { line: line_of(self.text, at), what });
    }
}
