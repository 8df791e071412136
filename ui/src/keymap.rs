//! Which keys do what, after the user's own have been laid over the registry's: resolved once, and
//! read by dispatch, hint line, help, menus and `al keys`.

use crate::action::{ACTIONS, Action, Context, Entry};
use crate::key::Chord;
use crate::pane::Pane;
use crate::problem::{Problem, nearest};
use serde::Serialize;

/// Keys in a row that one binding may have.
const LONGEST: usize = 2;

/// Where a binding was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    Default,
    /// In this line of the user's file.
    Line(usize),
}

/// One way to ask for something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    pub keys: Vec<Chord>,
    pub source: Source,
}

impl Binding {
    /// As people read it: `gg`, `Ctrl-d`, `g Tab`.
    pub fn shown(&self) -> String {
        let keys: Vec<String> = self.keys.iter().map(ToString::to_string).collect();
        let short = keys.iter().all(|key| key.chars().count() == 1);
        keys.join(if short { "" } else { " " })
    }
}

/// A row of the registry with the keys that it has now.
#[derive(Debug, Clone)]
pub struct Bound {
    pub entry: &'static Entry,
    pub bindings: Vec<Binding>,
    /// The line that took its keys away, when it has none.
    pub unbound: Option<usize>,
}

impl Bound {
    /// All its keys, for people.
    pub fn shown(&self) -> Vec<String> {
        self.bindings.iter().map(Binding::shown).collect()
    }
}

/// What a sequence of keys means so far.
#[derive(Debug, PartialEq, Eq)]
pub enum Meaning {
    Does(Action),
    /// The start of longer sequences.
    Prefix,
    Nothing,
    /// It would change the scheduler, and this console only looks.
    ReadOnly,
}

/// What the user's file says about one action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    pub id: String,
    pub line: usize,
    /// Keys with their lines; none takes all keys away.
    pub keys: Vec<(String, usize)>,
}

/// All bindings, in the order of the registry.
#[derive(Debug, Clone)]
pub struct Keymap {
    rows: Vec<Bound>,
}

impl Default for Keymap {
    fn default() -> Self {
        let bound = |entry: &'static Entry| Bound {
            entry,
            bindings: entry.keys.iter().filter_map(|keys| default(keys)).collect(),
            unbound: None,
        };
        Self { rows: ACTIONS.iter().map(bound).collect() }
    }
}

fn default(keys: &str) -> Option<Binding> {
    Some(Binding { keys: Chord::parse_all(keys)?, source: Source::Default })
}

impl Keymap {
    /// The registry's keys with these wishes, and what was left out of them. An error when two
    /// actions would have the same key.
    pub fn with(wishes: &[Wish]) -> Result<(Self, Vec<Problem>), Problem> {
        let mut map = Self::default();
        let mut problems = Vec::new();
        for wish in wishes {
            let Some(row) = map.rows.iter_mut().find(|row| row.entry.id == wish.id) else {
                let near = nearest(&wish.id, ACTIONS.iter().map(|entry| entry.id));
                let what = format!("no action is called `{}`{near}", wish.id);
                problems.push(Problem { line: wish.line, what });
                continue;
            };
            row.grant(wish, &mut problems);
        }
        map.check()?;
        Ok((map, problems))
    }

    /// No key does two things where both could be meant, and the key of something that can lose
    /// work does nothing else anywhere.
    fn check(&self) -> Result<(), Problem> {
        for (i, a) in self.rows.iter().enumerate() {
            for binding in &a.bindings {
                let Source::Line(line) = binding.source else { continue };
                let taken =
                    self.rows.iter().enumerate().filter(|(j, _)| *j != i).find_map(|(_, b)| {
                        let meet = a.entry.danger || b.entry.danger || meet(a.entry, b.entry);
                        let other =
                            b.bindings.iter().find(|other| overlap(&binding.keys, &other.keys));
                        other.filter(|_| meet).map(|other| (b, other))
                    });
                if let Some((b, other)) = taken {
                    return Err(Problem { line, what: clash(a, binding, b, other) });
                }
                let kept = ACTIONS.iter().find(|entry| {
                    let mut keys = entry.keys.iter().filter_map(|keys| Chord::parse_all(keys));
                    entry.danger
                        && entry.id != a.entry.id
                        && keys.any(|keys| overlap(&keys, &binding.keys))
                });
                if let Some(danger) = kept {
                    let key = binding.shown();
                    let what = format!(
                        "`{key}` cannot be `{}`: hands know it as `{}`, which can lose work",
                        a.entry.id, danger.id
                    );
                    return Err(Problem { line, what });
                }
            }
        }
        let leads_out = |row: &Bound| matches!(row.entry.action, Action::Quit | Action::Command);
        if !self.rows.iter().any(|row| leads_out(row) && !row.bindings.is_empty()) {
            let line = self.rows.iter().filter_map(|row| row.unbound).min().unwrap_or(1);
            let what = "one of `quit` and `command` has to keep a key: they lead out".to_owned();
            return Err(Problem { line, what });
        }
        Ok(())
    }

    pub fn rows(&self) -> &[Bound] {
        &self.rows
    }

    /// Looks up `typed` where `pane` has the focus.
    pub fn meaning(&self, typed: &[Chord], pane: Pane, read_only: bool) -> Meaning {
        let mut prefix = false;
        for row in self.rows.iter().filter(|row| row.entry.context.holds(pane)) {
            for binding in &row.bindings {
                if binding.keys == typed {
                    return match read_only && row.entry.changes {
                        true => Meaning::ReadOnly,
                        false => Meaning::Does(row.entry.action),
                    };
                }
                prefix |= binding.keys.starts_with(typed);
            }
        }
        if prefix { Meaning::Prefix } else { Meaning::Nothing }
    }

    /// What one key does by itself where `pane` has the focus.
    pub fn does(&self, chord: Chord, pane: Pane) -> Option<Action> {
        match self.meaning(&[chord], pane, false) {
            Meaning::Does(action) => Some(action),
            Meaning::Prefix | Meaning::Nothing | Meaning::ReadOnly => None,
        }
    }

    /// Rows that have a key and work where `pane` has the focus.
    pub fn offered(&self, pane: Pane, read_only: bool) -> impl Iterator<Item = &Bound> {
        self.rows.iter().filter(move |row| {
            let allowed = !(read_only && row.entry.changes);
            allowed && row.entry.context.holds(pane) && !row.bindings.is_empty()
        })
    }

    /// What continues `typed`: key and title.
    pub fn continuations(
        &self,
        typed: &[Chord],
        pane: Pane,
        read_only: bool,
    ) -> Vec<(String, &'static str)> {
        let mut found: Vec<(String, &'static str)> = Vec::new();
        for row in self.offered(pane, read_only) {
            for binding in &row.bindings {
                // Of several keys for one thing the first is enough.
                let Some([next]) = binding.keys.strip_prefix(typed) else { continue };
                if !found.iter().any(|(_, title)| *title == row.entry.title) {
                    found.push((next.to_string(), row.entry.title));
                }
            }
        }
        found
    }

    /// The first key of an action, for people.
    pub fn key(&self, action: Action) -> Option<String> {
        let rows = self.rows.iter().filter(|row| row.entry.action == action);
        rows.flat_map(|row| &row.bindings).map(Binding::shown).next()
    }

    /// A remark on what a key does, or nothing where there is no such key: `, p resumes`.
    pub fn remark(&self, before: &str, action: Action, does: &str) -> String {
        self.key(action).map_or(String::new(), |key| format!("{before}{key} {does}"))
    }
}

impl Bound {
    fn grant(&mut self, wish: &Wish, problems: &mut Vec<Problem>) {
        if wish.keys.is_empty() {
            self.bindings.clear();
            self.unbound = Some(wish.line);
        }
        for (text, line) in &wish.keys {
            let (text, without) = match text.strip_prefix('-').filter(|rest| !rest.is_empty()) {
                Some(rest) => (rest, true),
                None => (text.as_str(), false),
            };
            match Chord::parse_all(text).filter(|keys| keys.len() <= LONGEST) {
                None => {
                    let what = format!("`{text}` is no key{}", nearest(text, Chord::names()));
                    problems.push(Problem { line: *line, what });
                }
                Some(keys) if without => {
                    let before = self.bindings.len();
                    self.bindings.retain(|binding| binding.keys != keys);
                    if self.bindings.len() == before {
                        let what = format!("`{text}` is no key of `{}`", self.entry.id);
                        problems.push(Problem { line: *line, what });
                    }
                    self.unbound = self.bindings.is_empty().then_some(*line);
                }
                Some(keys) => {
                    self.unbound = None;
                    if !self.bindings.iter().any(|binding| binding.keys == keys) {
                        self.bindings.push(Binding { keys, source: Source::Line(*line) });
                    }
                }
            }
        }
    }
}

/// True where both are offered at once.
fn meet(a: &Entry, b: &Entry) -> bool {
    Pane::every().any(|pane| a.context.holds(pane) && b.context.holds(pane))
}

/// One of them would never be reached.
fn overlap(a: &[Chord], b: &[Chord]) -> bool {
    a.starts_with(b) || b.starts_with(a)
}

fn clash(a: &Bound, binding: &Binding, b: &Bound, other: &Binding) -> String {
    let (a, b) = (a.entry.id, b.entry.id);
    let from = match other.source {
        Source::Default => String::new(),
        Source::Line(line) => format!(" (line {line})"),
    };
    match binding.keys == other.keys {
        true => format!("`{}` would be both `{a}` and `{b}`{from}", binding.shown()),
        false => {
            let (key, taken) = (binding.shown(), other.shown());
            format!("`{key}` for `{a}` and `{taken}` for `{b}`{from} cannot both be typed")
        }
    }
}

/// One row of `al keys --json`.
#[derive(Debug, Serialize)]
pub struct KeyRow {
    pub context: Context,
    pub id: &'static str,
    pub keys: Vec<String>,
    pub title: &'static str,
    pub danger: bool,
    pub changes: bool,
    /// Where each of the keys comes from: `default`, or file and line.
    pub from: Vec<String>,
}

impl Keymap {
    /// Every row, with places in `file`.
    pub fn list(&self, file: &str) -> Vec<KeyRow> {
        let row = |row: &Bound| KeyRow {
            context: row.entry.context,
            id: row.entry.id,
            keys: row.shown(),
            title: row.entry.title,
            danger: row.entry.danger,
            changes: row.entry.changes,
            from: row.bindings.iter().map(|binding| place(binding.source, file)).collect(),
        };
        self.rows.iter().map(row).collect()
    }
}

/// Where a binding comes from, for people.
pub fn place(source: Source, file: &str) -> String {
    match source {
        Source::Default => "default".to_owned(),
        Source::Line(line) => format!("{file}:{line}"),
    }
}

#[cfg(test)]
mod tests;
