//! `console.toml`: what it may say, with every problem named by its line.

use crate::keymap::Wish;
use crate::problem::{Problem, line_of, nearest};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// What the file says, as far as it can be understood without knowing the console.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConsoleFile {
    pub wishes: Vec<Wish>,
    pub problems: Vec<Problem>,
}

/// Reads the file. An error means that it is no TOML at all.
pub fn read(text: &str) -> Result<ConsoleFile, Problem> {
    let table = DeTable::parse(text).map_err(|error| Problem::no_toml(text, &error))?;
    let mut reader = Reader { text, file: ConsoleFile::default() };
    reader.root(table.get_ref());
    reader.file.problems.sort_by_key(|problem| problem.line);
    Ok(reader.file)
}

struct Reader<'a> {
    text: &'a str,
    file: ConsoleFile,
}

impl Reader<'_> {
    fn root(&mut self, root: &DeTable<'_>) {
        for (key, value) in root {
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("keys", DeValue::Table(keys)) => self.keys(keys),
                (known @ "keys", other) => {
                    self.problem(value, format!("`{known}` cannot be a {}", other.type_str()));
                }
                (unknown, _) => {
                    let near = nearest(unknown, ["keys"]);
                    self.at(key.span().start, format!("unknown key `{unknown}`{near}"));
                }
            }
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

    fn key(&mut self, value: &Spanned<DeValue<'_>>) -> Option<(String, usize)> {
        let text = value.get_ref().as_str().map(str::to_owned);
        if text.is_none() {
            self.problem(value, "a key is a string, such as \"F9\"".to_owned());
        }
        Some((text?, line_of(self.text, value.span().start)))
    }

    fn problem(&mut self, value: &Spanned<DeValue<'_>>, what: String) {
        self.at(value.span().start, what);
    }

    fn at(&mut self, at: usize, what: String) {
        self.file.problems.push(Problem { line: line_of(self.text, at), what });
    }
}
