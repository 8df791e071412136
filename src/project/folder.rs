//! The files of one agent's folder, by their present or their older names.

use std::sync::Arc;

use super::check::check;
use super::model::Skill;
use super::problem::{Mend, Problem, Problems};
use super::schema::File;
use super::skill;
use super::source::{Named, Source};
use super::tree::{self, Table};

/// What the files of an agent's folder say.
pub struct AgentFolder {
    pub skill: Skill,
    /// The file that `table` is from.
    pub config: Named,
    /// None when it could not be read; a missing file is empty.
    pub table: Option<Table>,
}

impl AgentFolder {
    /// Reads the files of a folder; none when it is no agent.
    pub fn read(dir: &Named, problems: &mut Problems) -> Option<Self> {
        let (config, source) = config_file(dir, problems);
        let is_configured = !matches!(source, Ok(None));
        let skill = match instructions(dir, is_configured, problems) {
            Ok(Some(source)) => skill::parse(&source, problems),
            Ok(None) => {
                if is_configured {
                    problems.push(missing_skill(dir));
                }
                return None;
            }
            Err(problem) => {
                problems.push(problem);
                Skill::default()
            }
        };
        let parsed = source.and_then(|source| source.map(|s| tree::parse(&s)).transpose());
        let table = match parsed {
            Ok(table) => {
                let mut table = table.unwrap_or_default();
                check(&mut table, File::Agent, problems);
                Some(table)
            }
            Err(problem) => {
                problems.push(problem);
                None
            }
        };
        Some(Self { skill, config, table })
    }
}

type ReadFile = Result<Option<Arc<Source>>, Problem>;

/// `config.toml`, else the file that older projects have instead.
fn config_file(dir: &Named, problems: &mut Problems) -> (Named, ReadFile) {
    let config = dir.join("config.toml");
    let source = config.read();
    let old = dir.join("agent-config.toml");
    if !matches!(source, Ok(None)) {
        not_read(&old, "config.toml", problems);
        return (config, source);
    }
    match old.read() {
        Ok(None) => (config, Ok(None)),
        source => {
            problems.push(renamed(&old, "agent-config.toml", "config.toml"));
            (old, source)
        }
    }
}

/// `SKILL.md`, else the file that older agents have instead.
fn instructions(dir: &Named, is_configured: bool, problems: &mut Problems) -> ReadFile {
    let source = dir.join("SKILL.md").read();
    let old = dir.join("ACTIONS.md");
    if !is_configured || !matches!(source, Ok(None)) {
        if is_configured {
            not_read(&old, "SKILL.md", problems);
        }
        return source;
    }
    let source = old.read();
    if !matches!(source, Ok(None)) {
        problems.push(renamed(&old, "ACTIONS.md", "SKILL.md"));
    }
    source
}

fn renamed(file: &Named, old: &str, new: &str) -> Problem {
    Problem::error(file, format!("`{old}` is now called `{new}`"))
        .code("file_old")
        .warning()
        .hint(format!("rename the file to `{new}`"))
        .mend(Some(Mend::Move(new.to_owned())))
}

/// A file of an older version, beside the one that has taken its place.
fn not_read(old: &Named, new: &str, problems: &mut Problems) {
    if old.exists() {
        let message = format!("this file is not read: `{new}` is there too");
        problems.push(
            Problem::error(old, message)
                .code("file_unread")
                .warning()
                .hint(format!("move what it still says to `{new}`, and remove it")),
        );
    }
}

fn missing_skill(dir: &Named) -> Problem {
    Problem::error(
        &dir.join("SKILL.md"),
        "missing SKILL.md: this folder has settings, but no instructions",
    )
    .code("skill_missing")
    .warning()
    .hint("write the agent's instructions there, or delete the folder")
}
