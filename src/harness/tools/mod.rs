//! The tools of the builtin engine: what a model may do, and how what came of it is told.
//!
//! | Tool | Does |
//! |---|---|
//! | `bash` | runs a shell command |
//! | `read`, `write`, `edit` | work on one file |
//! | `grep`, `find`, `ls` | look for lines, files, names |
//! | `set_status`, `return_value`, `request_rerun` | leave signals: `al-status`, `al-return`, `al-rerun` |
//! | `acquire_lock`, `release_lock` | `rlock`, `runlock` |
//! | `call_agent`, `check_call` | `al-call`, `al-check` |
//! | `wait_for_trigger`, `ask_operator` | `al-wait-for`, `al-ask` |
//!
//! Nothing here fails: whatever goes wrong is told to the model in a sentence with which it can do
//! better. Nothing grows with what is looked at: files are read in pieces, and every answer has a
//! longest length.

mod arguments;
mod bash;
mod captured;
mod edit;
mod find;
mod grep;
mod lines;
mod ls;
mod near;
mod orders;
mod paths;
mod read;
mod table;
mod walk;
mod write;

#[cfg(test)]
mod tests;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::agent;
use crate::ambient;
use crate::llm::Tool;

use arguments::Given;
use table::{Does, Row, TABLE};

/// The longest answer of a tool that reads, in bytes; about a tenth of a small context window.
const ANSWER_MAX: usize = 48 * 1024;

/// What came of a tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// What the model is told.
    pub text: String,
    pub is_error: bool,
    /// Exit code, of what has one.
    pub exit: Option<i32>,
}

/// Text, or what was wrong.
type Outcome = Result<String, String>;

impl From<Outcome> for Done {
    fn from(outcome: Outcome) -> Self {
        let is_error = outcome.is_err();
        let text = outcome.unwrap_or_else(|error| error);
        Self { text, is_error, exit: None }
    }
}

/// Where tools work.
#[derive(Debug, Clone)]
pub struct Workshop {
    /// Where commands run and relative paths begin.
    work_dir: PathBuf,
    /// The agent's own files, which are found by relative paths too.
    agent_dir: Option<PathBuf>,
    /// What `~` stands for.
    home: PathBuf,
    shell: PathBuf,
    place: agent::Place,
}

impl Workshop {
    /// The one of this process's run, as its environment says.
    pub fn here() -> Self {
        let dir = |name| ambient::env_os(name).map(PathBuf::from);
        let work_dir = dir("AL_WORK_DIR").unwrap_or_else(|| PathBuf::from("."));
        let shell = shell(ambient::env("PATH").unwrap_or_default().as_str());
        let mut shop = Self::new(&work_dir, dir("AL_AGENT_DIR"), shell, agent::Place::here());
        shop.home = ambient::home().unwrap_or(shop.home);
        shop
    }

    /// One whose home is its work folder.
    pub fn new(
        work_dir: &Path,
        agent_dir: Option<PathBuf>,
        shell: PathBuf,
        place: agent::Place,
    ) -> Self {
        let work_dir = whole(work_dir);
        let agent_dir = agent_dir.map(|dir| whole(&dir));
        Self { home: work_dir.clone(), work_dir, agent_dir, shell, place }
    }

    /// What a model is told of the tools.
    pub fn tools(&self) -> Arc<[Tool]> {
        TABLE.iter().map(Row::tool).collect()
    }

    /// Uses a tool. A command of `bash` is ended when nobody waits for it any more; the tools that
    /// wait for something outside go on until they have it.
    pub async fn use_tool(&self, tool: &str, arguments: &Map<String, Value>) -> Done {
        let given = match table::find(tool).and_then(|row| Given::check(row, arguments)) {
            Ok(given) => given,
            Err(problem) => return Err(problem).into(),
        };
        match given.row.does {
            Does::Shell => bash::run(self, &given).await,
            Does::Files(work) => self.aside(move |shop| work(shop, &given).into()).await,
            Does::Order(order) => {
                self.aside(move |shop| orders::carry_out(shop, order(&given))).await
            }
        }
    }

    /// Does what takes its time where it keeps nobody else waiting.
    async fn aside(&self, work: impl FnOnce(&Self) -> Done + Send + 'static) -> Done {
        let shop = self.clone();
        let done = tokio::task::spawn_blocking(move || work(&shop)).await;
        done.unwrap_or_else(|error| Err(format!("the tool broke off: {error}")).into())
    }
}

/// Whether a tool changes nothing, so that several may be used at once.
pub fn is_read_only(tool: &str) -> bool {
    table::find(tool).is_ok_and(|row| row.read_only)
}

/// A path without links and dots, as far as there is one.
fn whole(path: &Path) -> PathBuf {
    let path = fs::canonicalize(path).or_else(|_| std::path::absolute(path));
    path.unwrap_or_else(|_| PathBuf::from("/"))
}

/// Models write for bash; every machine has `sh`.
fn shell(path: &str) -> PathBuf {
    let dirs = std::env::split_paths(path).filter(|dir| dir.is_absolute());
    let bash = dirs.map(|dir| dir.join("bash")).find(|bash| bash.is_file());
    bash.unwrap_or_else(|| PathBuf::from("/bin/sh"))
}
