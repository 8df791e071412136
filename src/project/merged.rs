//! What the layers of a project's configuration say together, key by key, and who says it.

use serde_json::{Value, json};

use super::config;
use super::environment::{self, Bound};
use super::hidden;
use super::layers;
use super::load::Request;
use super::problem::{Problem, Problems};
use super::schema::{File, Kind, find_key_table};
use super::source::Named;
use super::tree::{Table, Tree};

/// One key that has a value.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// Its parts, as they stand in the file: `models`, `gpt`, `provider`.
    pub path: Vec<String>,
    pub value: Value,
    /// Where it is written; none for a default.
    pub from: Option<From>,
}

/// A line of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct From {
    pub file: String,
    pub line: usize,
}

/// All settings of a project.
#[derive(Debug, Clone, PartialEq)]
pub struct Merged {
    /// In the order of the files, tables after values.
    pub settings: Vec<Setting>,
    pub bound: Option<Bound>,
    /// What is wrong in the files.
    pub problems: Vec<Problem>,
}

/// Reads the layers of a project and says what counts. With `defaults`, keys that nobody wrote are
/// there too. Values that may be secret are hidden.
pub fn merged(request: &Request<'_>, defaults: bool) -> Merged {
    let mut problems = Problems::new(request.strict);
    let folder = Named::project(&request.dir);
    let layers = layers::read(&folder, request, &mut problems);
    // For what only shows when the layers are together.
    config::read(&layers.table, &mut problems);
    let mut settings = Vec::new();
    collect(&layers.table, &mut Vec::new(), &mut settings);
    if defaults {
        settings.extend(left_out(&settings));
    }
    Merged {
        settings,
        // A file that cannot be read was reported already.
        bound: environment::bound(request).ok().flatten(),
        problems: problems.into_sorted(),
    }
}

fn collect(table: &Table, path: &mut Vec<String>, settings: &mut Vec<Setting>) {
    let is_table = |tree: &Tree| matches!(tree, Tree::Table(_));
    let values = table.entries.iter().filter(|entry| !is_table(&entry.node.value));
    let tables = table.entries.iter().filter(|entry| is_table(&entry.node.value));
    for entry in values.chain(tables) {
        path.push(entry.key.clone());
        match &entry.node.value {
            Tree::Bad => {}
            Tree::Table(inner) if !inner.entries.is_empty() => collect(inner, path, settings),
            value => {
                let at = &entry.key_at;
                settings.push(Setting {
                    path: path.clone(),
                    value: hidden::shown(path, value),
                    from: Some(From { file: at.source.shown.clone(), line: at.line() }),
                });
            }
        }
        path.pop();
    }
}

/// Keys that nobody wrote and that mean something all the same.
fn left_out(settings: &[Setting]) -> Vec<Setting> {
    let written = |path: &str| settings.iter().any(|setting| setting.path.join(".") == path);
    let begun = |table: &str| {
        settings.iter().any(|setting| setting.path.first().is_some_and(|p| p == table))
    };
    find_key_table(File::Project)
        .into_iter()
        .filter(|info| !info.key.default.is_empty() && !info.path.contains('<'))
        .filter(|info| !matches!(info.key.kind, Kind::Table(_) | Kind::Named(_)))
        .filter(|info| !written(&info.path))
        // What a certificate or a limit would be if there were one is no setting.
        .filter(|info| match info.path.split('.').collect::<Vec<_>>().as_slice() {
            ["telemetry", ..] => begun("telemetry"),
            ["model", ..] => false,
            _ => true,
        })
        .map(|info| Setting {
            path: info.path.split('.').map(str::to_owned).collect(),
            value: default_value(info.key.default),
            from: None,
        })
        .collect()
}

/// Defaults are written for people: most are values, some are words about one.
fn default_value(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| json!(text))
}
