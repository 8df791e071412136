//! The keys in words: help for a pane, and all of them with where they come from.

use super::overlay::Row;
use crate::action::Context;
use crate::files::CONSOLE;
use crate::keymap::{Bound, place};
use crate::state::Ui;
use crate::theme::Role;

/// Help: the keys that work here, and the commands.
pub fn here(ui: &Ui, search: &str) -> Vec<Row> {
    let search = search.to_lowercase();
    let mut rows = Vec::new();
    for context in Context::ALL.into_iter().filter(|context| context.holds(ui.focus())) {
        let offered = ui.settings.keymap.offered(ui.focus(), ui.setup.read_only);
        let fitting = offered.filter(|row| row.entry.context == context).filter(|row| {
            search.is_empty()
                || row.entry.title(ui.setup.remote).to_lowercase().contains(&search)
                || row.entry.id.contains(&search)
        });
        let mut section: Vec<Row> = fitting
            .map(|row| {
                let (entry, keys) = (row.entry, row.shown());
                let role = if entry.danger { Role::Danger } else { Role::Text };
                vec![
                    (format!("{:<16}", keys.join(" ")), Role::HintKey),
                    (entry.title(ui.setup.remote).to_owned(), role),
                ]
            })
            .collect();
        if !section.is_empty() {
            rows.push(vec![(context.title().to_owned(), Role::Title)]);
            rows.append(&mut section);
            rows.push(Vec::new());
        }
    }
    let verbs = crate::command::VERBS.iter().filter(|(verb, _)| {
        let hidden = ui.setup.read_only && crate::command::CHANGING.contains(verb);
        !hidden && (search.is_empty() || verb.contains(&search))
    });
    let mut commands: Vec<Row> = verbs
        .map(|(verb, words)| {
            vec![
                (format!("{:<16}", format!(":{verb}")), Role::HintKey),
                ((*words).to_owned(), Role::Text),
            ]
        })
        .collect();
    if !commands.is_empty() {
        rows.push(vec![("Command line".to_owned(), Role::Title)]);
        rows.append(&mut commands);
    }
    if rows.is_empty() {
        rows.push(vec![("nothing fits; Esc clears the search".to_owned(), Role::Muted)]);
    }
    rows
}

/// Every key that the registry and the user's file give, with its place.
pub fn all(ui: &Ui, search: &str) -> Vec<Row> {
    let search = search.to_lowercase();
    let fits = |row: &&Bound| {
        let own =
            row.bindings.iter().any(|binding| place(binding.source, CONSOLE).contains(&search));
        own || row.entry.id.contains(&search) || row.entry.title.contains(&search)
    };
    let mut rows = Vec::new();
    for context in Context::ALL.into_iter().rev() {
        let here = |row: &&Bound| row.entry.context == context;
        let allowed = |row: &&Bound| !(ui.setup.read_only && row.entry.changes);
        let all = ui.settings.keymap.rows().iter();
        let mut section: Vec<Row> =
            all.filter(here).filter(allowed).filter(fits).flat_map(bindings).collect();
        if !section.is_empty() {
            rows.push(vec![(context.title().to_owned(), Role::Title)]);
            rows.append(&mut section);
            rows.push(Vec::new());
        }
    }
    if rows.is_empty() {
        rows.push(vec![("nothing fits; Esc clears the search".to_owned(), Role::Muted)]);
    }
    rows
}

/// A line for each key, and one for an action without.
fn bindings(row: &Bound) -> Vec<Row> {
    let role = if row.entry.danger { Role::Danger } else { Role::Text };
    let line = |key: String, from: String| {
        vec![
            (format!("{key:<10}"), Role::HintKey),
            (format!("{:<18}", row.entry.id), role),
            (from, Role::Muted),
        ]
    };
    if row.bindings.is_empty() {
        let from = row.unbound.map_or(String::new(), |at| format!("taken away, {CONSOLE}:{at}"));
        return vec![line("-".to_owned(), from)];
    }
    let shown =
        |binding: &crate::keymap::Binding| line(binding.shown(), place(binding.source, CONSOLE));
    row.bindings.iter().map(shown).collect()
}
