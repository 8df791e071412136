//! What the process that thinks is told on its stdin. It arrives through a pipe because it holds the
//! keys of models, which nothing that runs beside it is to see.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::llm::{Auth, ModelSpec};

/// One attempt at the work of an agent that has a model.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Job {
    pub run: String,
    pub attempt: u32,
    pub agent: String,
    pub engine: Thinker,
    pub place: Place,
    /// Body of `SKILL.md`.
    pub skill: String,
    /// Folder of the agent's own files, and of those it shares with others.
    pub agent_dir: PathBuf,
    pub shared_dir: Option<PathBuf>,
    /// The trigger as scripts get it: `{"type":"webhook", ...}`.
    pub trigger: Value,
    pub params: Map<String, Value>,
    /// What the agent is told of its credentials, in the order in which it lists them.
    pub credentials: Vec<CredentialNote>,
    pub hooks_pre: Vec<String>,
    pub hooks_post: Vec<String>,
    pub preflight: Vec<Step>,
    /// In the order of preference.
    pub models: Vec<ModelSpec>,
    /// Share of the context window at which the conversation is made shorter, 0 to 1.
    pub compact_at: f64,
    /// Where the traffic with the model is kept.
    pub record: Option<PathBuf>,
    /// Texts that must not appear in a recording; logs are cleaned by the supervisor.
    pub secrets: Vec<String>,
}

impl Job {
    /// The keys of its models.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.models.iter().filter_map(|spec| match &spec.auth {
            Auth::Key(key) | Auth::Bearer(key) => Some(key.as_str()),
            Auth::None => None,
        })
    }
}

/// Who thinks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Thinker {
    Builtin,
    Claude,
    Codex,
}

impl Thinker {
    /// As `[harness] type` names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Builtin => "builtin",
            Self::Claude => "claude",
            Self::Codex => "codex",
        }
    }
}

/// Where the attempt runs, which the agent is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    Container,
    HostUser,
    Process,
}

/// A credential of the run, as the agent is told of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CredentialNote {
    /// `type` or `type:instance`
    pub reference: String,
    /// Environment variables that hold it.
    pub variables: Vec<String>,
    /// What it is good for, when there is something to say.
    pub note: String,
}

/// A step of an older project before the run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// `shell`, `http` or `git-clone`.
    pub provider: String,
    /// Whether a failure ends the run.
    pub required: bool,
    pub params: Map<String, Value>,
}

/// Secrets stay out of debug output.
impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job")
            .field("run", &self.run)
            .field("attempt", &self.attempt)
            .field("engine", &self.engine)
            .field("models", &self.models)
            .finish_non_exhaustive()
    }
}
