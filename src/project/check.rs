//! Holds a table against the [`schema`]: types, ranges, unknown and old keys.

use super::problem::{Mend, Problem, Problems, did_you_mean, listed, nearest, quoted};
use super::schema::{self, File, Key, Kind, Scope};
use super::source::At;
use super::tree::{Entry, Node, Table, Tree};
use crate::duration;

/// Checks one file's table. What does not fit is reported and becomes [`Tree::Bad`], so that
/// readers of the table meet only values of the right type, and miss nothing that was written.
pub fn check(table: &mut Table, file: File, problems: &mut Problems) {
    Checker { file, problems }.scope(table, file.scope(), "");
}

struct Checker<'a> {
    file: File,
    problems: &'a mut Problems,
}

impl Checker<'_> {
    fn scope(&mut self, table: &mut Table, scope: &'static Scope, prefix: &str) {
        self.rename(table, scope);
        let written: Vec<String> = table.entries.iter().map(|e| e.key.clone()).collect();
        for entry in std::mem::take(&mut table.entries) {
            let path = format!("{prefix}{}", entry.key);
            match scope.key(&entry.key) {
                Some(key) if key.is_in(self.file) => self.keep(table, entry, key.kind, &path),
                Some(key) => self.wrong_file(&entry, key),
                // Sources may name the instance by the credential's type.
                None if std::ptr::eq(scope, &schema::WEBHOOK) && is_credential(&entry.key) => {
                    self.keep(table, entry, Kind::Text, &path);
                }
                None => {
                    self.unknown(&entry, scope, &written);
                    // A model's other keys are kept as written.
                    if std::ptr::eq(scope, &schema::MODEL) {
                        table.entries.push(entry);
                    }
                }
            }
        }
    }

    /// Gives keys of older versions their present name; one that has it already wins.
    fn rename(&mut self, table: &mut Table, scope: &Scope) {
        for key in scope.keys {
            for old in key.was {
                let Some(i) = table.entries.iter().position(|e| e.key == *old) else { continue };
                let message = format!("`{old}` is now called `{}`", key.name);
                let problem =
                    Problem::error_at(&table.entries[i].key_at, message).code("key_old").warning();
                if table.entry(key.name).is_some() {
                    let hint = format!("remove it: `{}` is there too, and counts", key.name);
                    self.problems.push(problem.hint(hint));
                    table.entries.remove(i);
                } else {
                    let problem = problem.hint(format!("rename it to `{}`", key.name));
                    self.problems.push(problem.mend(Some(Mend::Rename(key.name.to_owned()))));
                    key.name.clone_into(&mut table.entries[i].key);
                }
            }
        }
    }

    fn keep(&mut self, table: &mut Table, mut entry: Entry, kind: Kind, path: &str) {
        if !self.value(&mut entry.node, kind, path) {
            entry.node.value = Tree::Bad;
        }
        table.entries.push(entry);
    }

    fn wrong_file(&mut self, entry: &Entry, key: &Key) {
        let files: Vec<&str> = key.files.iter().map(|f| f.name()).collect();
        let message = format!("{} is not read from {}", quoted(&entry.key), self.file.name());
        let problem = Problem::error_at(&entry.key_at, message).code("key_misplaced");
        self.problems.unknown(problem.hint(format!("move it to {}", files.join(" or "))));
    }

    /// `written` are the keys of its table.
    fn unknown(&mut self, entry: &Entry, scope: &Scope, written: &[String]) {
        let message = format!("unknown key {}", quoted(&entry.key));
        let problem = Problem::error_at(&entry.key_at, message).code("key_unknown");
        if let Some(table) = elsewhere(self.file, &entry.key) {
            return self.problems.unknown(problem.hint(table));
        }
        let known = scope.keys.iter().filter(|k| k.is_in(self.file)).map(|k| k.name);
        let near = nearest(&entry.key, known);
        let hint = near.map(|near| format!("did you mean `{near}`?"));
        self.problems.unknown(problem.maybe_hint(hint).mend(rename(near, written)));
    }

    /// Whether the value fits; what is wrong inside it is reported and taken out.
    fn value(&mut self, node: &mut Node, kind: Kind, path: &str) -> bool {
        let at = &node.at;
        match (kind, &mut node.value) {
            (Kind::Text, Tree::Text(_)) | (Kind::Bool, Tree::Bool(_)) => true,
            (Kind::TextOrTexts | Kind::Id, Tree::Text(_)) | (Kind::Id, Tree::Int(_)) => true,
            (Kind::Free, Tree::Table(_)) => true,
            (Kind::Int(_, min, max), Tree::Int(n)) => self.int(at, path, *n, min, max),
            (Kind::Number(_, max), n @ (Tree::Int(_) | Tree::Float(_))) => {
                let n = n.number();
                let bounds = format!("above 0 and at most {max}");
                self.range(at, path, n > 0.0 && n <= max, n, &bounds)
            }
            (Kind::Share, n @ (Tree::Int(_) | Tree::Float(_))) => {
                let n = n.number();
                self.range(at, path, (0.0..=1.0).contains(&n), n, "between 0 and 1")
            }
            (Kind::Money(_, max), n @ (Tree::Int(_) | Tree::Float(_))) => {
                let n = n.number();
                let bounds = format!("from 0 to {max}");
                self.range(at, path, (0.0..=max).contains(&n), n, &bounds)
            }
            (Kind::Dollars, n @ (Tree::Int(_) | Tree::Float(_) | Tree::Text(_)))
                if n.micros().is_some() =>
            {
                true
            }
            (Kind::Span(min, max), Tree::Text(text)) => self.span(at, path, text, min, max),
            (Kind::OneOf(words), Tree::Text(word)) => {
                let message = format!("`{path}` cannot be {}", quoted(word));
                self.word(at, message, word, words)
            }
            (Kind::SomeOf(words), Tree::List(list)) => self.words(list, path, words),
            (Kind::Texts | Kind::TextOrTexts, Tree::List(list)) => self.texts(list, path),
            (Kind::Pairs, Tree::Table(table)) => self.pairs(table, path),
            (Kind::Table(inner), Tree::Table(table)) => {
                self.scope(table, inner, &format!("{path}."));
                true
            }
            (Kind::Named(inner), Tree::Table(table)) => {
                for entry in std::mem::take(&mut table.entries) {
                    let path = format!("{path}.{}", entry.key);
                    self.keep(table, entry, Kind::Table(inner), &path);
                }
                true
            }
            (Kind::Tables(_) | Kind::Bindings, Tree::List(list)) => {
                list.retain_mut(|item| self.item(item, kind, path));
                true
            }
            (_, found) => {
                let message =
                    format!("`{path}` must be {}, found {}", expected(kind), found.found());
                self.refuse(at, message, correction(kind, found, path))
            }
        }
    }

    fn int(&mut self, at: &At, path: &str, n: i128, min: i128, max: i128) -> bool {
        let bounds = match max < schema::MANY {
            true => format!("between {min} and {max}"),
            false if n < min => format!("at least {min}"),
            false => format!("at most {max}"),
        };
        self.range(at, path, (min..=max).contains(&n), n, &bounds)
    }

    fn span(&mut self, at: &At, path: &str, text: &str, min_ms: u64, max_ms: u64) -> bool {
        let ms = match duration::parse_ms(text) {
            Ok(ms) => ms.unsigned_abs(),
            Err(why) => {
                return self.refuse(at, format!("bad `{path}`: {why}"), seconds(text, path));
            }
        };
        let bounds = match ms < min_ms {
            true => format!("at least {}", duration::text(min_ms)),
            false => format!("at most {}", duration::text(max_ms)),
        };
        self.range(at, path, (min_ms..=max_ms).contains(&ms), text, &bounds)
    }

    fn words(&mut self, list: &mut Vec<Node>, path: &str, words: &[&str]) -> bool {
        self.texts(list, path);
        list.retain(|item| {
            let Tree::Text(word) = &item.value else { return false };
            let message = format!("`{path}` cannot hold {}", quoted(word));
            self.word(&item.at, message, word, words)
        });
        true
    }

    fn word(&mut self, at: &At, message: String, word: &str, words: &[&str]) -> bool {
        if words.contains(&word) {
            return true;
        }
        let hint = did_you_mean(word, words.iter().copied())
            .unwrap_or_else(|| format!("it is one of {}", listed(words.iter().copied())));
        self.refuse(at, message, Some(hint))
    }

    fn texts(&mut self, list: &mut Vec<Node>, path: &str) -> bool {
        list.retain(|item| {
            let message = format!("`{path}` must hold strings only, found {}", item.value.found());
            matches!(item.value, Tree::Text(_)) || self.refuse(&item.at, message, None)
        });
        true
    }

    fn pairs(&mut self, table: &mut Table, path: &str) -> bool {
        table.entries.retain_mut(|e| {
            let path = format!("{path}.{}", e.key);
            self.value(&mut e.node, Kind::Text, &path)
        });
        true
    }

    fn item(&mut self, item: &mut Node, kind: Kind, path: &str) -> bool {
        match (&mut item.value, kind) {
            (Tree::Table(table), Kind::Tables(inner)) => {
                self.scope(table, inner, &format!("{path}."));
                true
            }
            (Tree::Table(_), _) => true,
            (other, _) => {
                let message = format!("`{path}` must hold tables only, found {}", other.found());
                self.refuse(&item.at, message, Some(format!("write `[[{path}]]` above its keys")))
            }
        }
    }

    fn range<N: std::fmt::Display>(
        &mut self,
        at: &At,
        path: &str,
        fits: bool,
        found: N,
        bounds: &str,
    ) -> bool {
        if fits {
            return true;
        }
        let message = format!("`{path}` must be {bounds}, found {found}");
        self.refuse(at, message, None)
    }

    fn refuse(&mut self, at: &At, message: String, hint: Option<String>) -> bool {
        self.problems.push(Problem::error_at(at, message).code("value_wrong").maybe_hint(hint));
        false
    }
}

/// That a key gets this name, when no other of its table has it.
pub fn rename(near: Option<&str>, written: &[String]) -> Option<Mend> {
    let near = near.filter(|near| written.iter().all(|key| key != near))?;
    Some(Mend::Rename(near.to_owned()))
}

/// Where a key belongs that was written into the wrong table.
pub fn elsewhere(file: File, name: &str) -> Option<String> {
    let all = schema::find_key_table(file);
    let found = all.iter().find(|k| k.key.name == name)?;
    Some(match found.path.rsplit_once('.') {
        Some((table, _)) => format!("`{name}` belongs in `[{table}]`"),
        None => format!("`{name}` belongs at the top of the file, before any `[table]`"),
    })
}

fn is_credential(name: &str) -> bool {
    super::providers::PROVIDERS.iter().any(|p| p.secret.is_some_and(|s| s.credential == name))
}

fn expected(kind: Kind) -> String {
    match kind {
        Kind::Text => "a string".to_owned(),
        Kind::Bool => "`true` or `false`".to_owned(),
        Kind::Int(what, ..) | Kind::Number(what, _) | Kind::Money(what, _) => what.to_owned(),
        Kind::Dollars => "an amount above 0 like \"$2.50\"".to_owned(),
        Kind::Share => "a number between 0 and 1".to_owned(),
        Kind::Id => "a string or an integer".to_owned(),
        Kind::Span(..) => "a span of time".to_owned(),
        Kind::OneOf(words) => format!("one of {}", listed(words.iter().copied())),
        Kind::SomeOf(words) => format!("a list of {}", listed(words.iter().copied())),
        Kind::Texts => "a list of strings".to_owned(),
        Kind::TextOrTexts => "a string or a list of strings".to_owned(),
        Kind::Pairs | Kind::Table(_) | Kind::Named(_) | Kind::Free => "a table".to_owned(),
        Kind::Tables(_) | Kind::Bindings => "a list of tables".to_owned(),
    }
}

/// The line as it should be, where that can be told.
fn correction(kind: Kind, found: &Tree, path: &str) -> Option<String> {
    let name = path.rsplit('.').next().unwrap_or(path);
    match (kind, found) {
        (Kind::Texts | Kind::SomeOf(_), Tree::Text(s)) => {
            Some(format!("write `{name} = [{}]`", toml_text(s)))
        }
        (Kind::Int(..) | Kind::Number(..) | Kind::Money(..) | Kind::Share, Tree::Text(s))
            if s.parse::<f64>().is_ok() =>
        {
            Some(format!("leave out the quotes: `{name} = {s}`"))
        }
        (Kind::Bool, Tree::Text(s)) if s == "true" || s == "false" => {
            Some(format!("leave out the quotes: `{name} = {s}`"))
        }
        (Kind::Span(..), Tree::Int(n)) => Some(format!("write `{name} = \"{n}s\"` for seconds")),
        (Kind::Text, Tree::Int(n)) => Some(format!("put it in quotes: `{name} = \"{n}\"`")),
        (Kind::Tables(_) | Kind::Bindings, Tree::Table(_)) => {
            Some(format!("write `[[{path}]]`, with two brackets, for each of them"))
        }
        (Kind::Table(_) | Kind::Free, _) => Some(format!("write `[{path}]` above its keys")),
        (Kind::Named(_), _) => Some(format!("write `[{path}.<name>]` above the keys of each")),
        _ => None,
    }
}

/// A number without a unit is meant in seconds, as those of other keys are.
fn seconds(text: &str, path: &str) -> Option<String> {
    let name = path.rsplit('.').next().unwrap_or(path);
    let number: u32 = text.trim().parse().ok()?;
    Some(format!("write `{name} = \"{number}s\"` for seconds"))
}

fn toml_text(s: &str) -> String {
    let short: String = s.chars().filter(|c| !c.is_control()).take(40).collect();
    format!("{short:?}")
}
