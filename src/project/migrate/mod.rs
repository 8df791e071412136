//! From a project of Action Llama to one of ours: what its files say becomes the files that it
//! will have. Pure: texts in, texts out; whoever calls reads and writes.
//!
//! [`agent()`] is about the files of one agent, [`project()`] about all of a project. A file that
//! needs no change is not in the plan, so a plan for a project that was taken over is empty.
//!
//! | Then | Now |
//! |---|---|
//! | `agent-config.toml` | `config.toml` |
//! | `ACTIONS.md` | `SKILL.md` |
//! | `[model]` | `[models.<name>]`, and `models` in each agent |
//! | `[[preflight]]` | `hooks.pre` with the same effect |
//! | keys by older names | their present names |

mod models;
mod preflight;
mod project;
#[cfg(test)]
mod tests;
mod toml;

pub use models::Models;
pub use project::{LEFTOVERS, ProjectFiles, project};

use toml_edit::DocumentMut;

/// Below which folder a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Home {
    /// The project's.
    Project,
    /// That of this machine's environments and credentials.
    Environments,
}

/// One file that changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its path below its home.
    pub file: String,
    pub home: Home,
    /// The file that it takes the place of, by its older name; what stays of that is a copy.
    pub was: Option<String>,
    /// The text under the older or the present name; none when there is none.
    pub before: Option<String>,
    pub after: String,
    /// What changes, a sentence each.
    pub what: Vec<String>,
}

/// Something that stays with the person: it has no equivalent, or means something else here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// A path below the project's folder.
    pub file: String,
    /// What it is about, and why it was not done.
    pub what: String,
    /// What to do about it; empty for nothing.
    pub hint: String,
}

/// What is to be done, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    pub changes: Vec<Change>,
    /// Files that nothing reads any more, to be put away.
    pub retired: Vec<String>,
    pub notes: Vec<Note>,
}

impl Plan {
    fn note(&mut self, file: &str, what: impl Into<String>, hint: impl Into<String>) {
        self.notes.push(Note { file: file.to_owned(), what: what.into(), hint: hint.into() });
    }
}

/// The files of an agent's folder, as far as they are there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AgentFiles {
    pub name: String,
    /// `config.toml`
    pub config: Option<String>,
    /// `agent-config.toml`
    pub agent_config: Option<String>,
    /// `SKILL.md`
    pub skill: Option<String>,
    /// `ACTIONS.md`
    pub actions: Option<String>,
}

/// What makes one agent's folder present. With `models`, `[model]` becomes a model of the project
/// that the agent names; without, it stays, and goes on meaning the same.
///
/// A file that is not TOML is left alone; the loader says where it is wrong.
pub fn agent(files: &AgentFiles, models: Option<&mut Models>, plan: &mut Plan) {
    let path = |file: &str| format!("agents/{}/{file}", files.name);
    settings(files, models, plan, path);
    match (&files.skill, &files.actions) {
        (None, Some(actions)) => plan.changes.push(Change {
            file: path("SKILL.md"),
            home: Home::Project,
            was: Some(path("ACTIONS.md")),
            before: Some(actions.clone()),
            after: instructions(actions),
            what: vec!["`ACTIONS.md` is now called `SKILL.md`".to_owned()],
        }),
        (Some(_), Some(_)) => plan.note(
            &path("ACTIONS.md"),
            "nothing reads it: the agent's instructions are in SKILL.md beside it",
            "",
        ),
        (_, None) => {}
    }
}

fn settings(
    files: &AgentFiles,
    models: Option<&mut Models>,
    plan: &mut Plan,
    path: impl Fn(&str) -> String,
) {
    let (was, text) = match (&files.config, &files.agent_config) {
        (Some(text), older) => {
            if older.is_some() {
                let what = "nothing reads it: the agent's settings are in config.toml beside it";
                plan.note(&path("agent-config.toml"), what, "");
            }
            (None, text.as_str())
        }
        (None, Some(text)) => (Some(path("agent-config.toml")), text.as_str()),
        // An agent without settings uses the model that had no name.
        (None, None) if files.skill.is_some() && models.is_some() => (None, ""),
        (None, None) => return,
    };
    let file = path("config.toml");
    let mut what: Vec<String> = Vec::new();
    if was.is_some() {
        what.push("`agent-config.toml` is now called `config.toml`".to_owned());
    }
    let read = toml::without_mark(text).parse::<DocumentMut>();
    let after = match read {
        Ok(mut document) => {
            let credentials = toml::texts(document.get("credentials"));
            preflight::to_hooks(&mut document, &credentials, &file, &mut what, plan);
            if let Some(models) = models {
                models.of_agent(&mut document, &files.name, &mut what);
            }
            toml::with_ends_of(text, document.to_string())
        }
        Err(_) => text.to_owned(),
    };
    if what.is_empty() {
        return;
    }
    let before = (files.config.is_some() || was.is_some()).then(|| text.to_owned());
    plan.changes.push(Change { file, home: Home::Project, was, before, after, what });
}

/// A text that begins like a front matter was none in `ACTIONS.md`, so it gets an empty one.
fn instructions(actions: &str) -> String {
    match actions.trim_start().starts_with("---") {
        true => format!("---\n---\n{actions}"),
        false => actions.to_owned(),
    }
}
