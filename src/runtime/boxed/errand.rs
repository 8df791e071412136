//! What goes into the box and what comes out.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::project::ScriptCommand;
use crate::runtime::remains::Remains;
use crate::runtime::{Access, CommandShape, Place, Spec};

/// One line of JSON on the box's stdin: of a [`Spec`], what the run itself needs. The rest (what else
/// must not be seen in logs, mounts, limits) is no business of what runs in the box.
#[derive(Serialize, Deserialize)]
pub struct Errand {
    pub mark: String,
    pub spot: Spot,
    pub run: String,
    pub attempt: u32,
    pub agent: String,
    pub agent_dir: PathBuf,
    #[serde(with = "CommandShape")]
    pub command: ScriptCommand,
    pub env: Vec<(String, String)>,
    pub files: Vec<(String, String)>,
    pub trigger: Value,
    pub input: Option<Value>,
    pub params: Value,
    pub gateway: Option<Access>,
    /// Names of the commands of agents.
    pub tools: Vec<String>,
}

/// Where the box stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Spot {
    /// First process of a container.
    Container,
    /// Another user of the machine; orders come on stdin.
    HostUser,
}

impl Errand {
    /// The errand of an attempt.
    pub fn of(spec: &Spec, mark: String, tools: &[String]) -> Self {
        let spot = match spec.place {
            Place::Container(_) => Spot::Container,
            Place::HostUser { .. } | Place::Process => Spot::HostUser,
        };
        Self {
            mark,
            spot,
            run: spec.run.clone(),
            attempt: spec.attempt,
            agent: spec.agent.clone(),
            agent_dir: spec.agent_dir.clone(),
            command: spec.command.clone(),
            env: spec.env.clone(),
            files: spec.files.clone(),
            trigger: spec.trigger.clone(),
            input: spec.input.clone(),
            params: spec.params.clone(),
            gateway: spec.gateway.clone(),
            tools: tools.to_vec(),
        }
    }

    /// As it goes into the box.
    pub fn line(&self) -> serde_json::Result<Vec<u8>> {
        let mut line = serde_json::to_vec(self)?;
        line.push(b'\n');
        Ok(line)
    }
}

/// The box's last words.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Ending {
    /// Exit code of the program, 128 + signal when a signal ended it.
    pub code: Option<i32>,
    pub signal: Option<i32>,
    /// Why the program did not start.
    pub refusal: Option<String>,
    pub remains: Remains,
}

/// What stands before the last words. The first byte is none that text has.
pub fn mark(secret: &str) -> String {
    format!("\u{1e}al:{secret}:")
}
