//! The texts with which a conversation begins: who the agent is, what it has, and what started it.
//!
//! The first message of the system is ours and the agent's instructions; the first message of the
//! user is a row of blocks that older agents know by name, and the trigger at the end:
//!
//! | block | is there |
//! |---|---|
//! | `<agent-config>` | always |
//! | `<credential-context>` | always |
//! | `<environment>` | always |
//! | `<skill-lock>`, `<skill-subagent>` | with a gateway |
//! | the trigger | always |

mod coordination;
mod credentials;
mod environment;
mod preamble;
mod surroundings;
mod trigger;

use serde_json::Value;

use super::job::{Job, Thinker};
pub use surroundings::{SharedFile, Surroundings};

/// What the system says: ours, then the instructions, whose commands have been replaced.
pub fn system(job: &Job, skill: &str) -> String {
    let preamble = preamble::text(job);
    match skill.trim() {
        "" => format!(
            "{preamble}\n\n# {}\n\nThis agent has no instructions of its own. What is to be done \
             follows from its configuration and from what started it.",
            job.agent
        ),
        body => format!("{preamble}\n\n{body}"),
    }
}

/// What the user says, in a run of this process.
pub fn user(job: &Job) -> String {
    user_in(job, &Surroundings::here(job))
}

/// What the user says.
pub fn user_in(job: &Job, around: &Surroundings) -> String {
    let mut blocks = vec![
        block("agent-config", &json(&Value::Object(job.params.clone()))),
        block("credential-context", &credentials::text(job)),
        block("environment", &environment::text(job, around)),
    ];
    if around.gateway {
        blocks.push(block("skill-lock", &coordination::locks(job)));
        blocks.push(block("skill-subagent", &coordination::calls(job)));
    }
    blocks.push(trigger::text(job, around));
    blocks.join("\n\n")
}

fn block(name: &str, text: &str) -> String {
    format!("<{name}>\n{text}\n</{name}>")
}

/// JSON that cannot end the block it stands in, whoever wrote what is in it.
fn json(value: &Value) -> String {
    format!("{value:#}").replace("</", "<\\/")
}

/// The words for those with our tools, or for those who have a shell only.
fn by_engine<'a>(job: &Job, tools: &'a str, shell: &'a str) -> &'a str {
    match job.engine {
        Thinker::Builtin => tools,
        Thinker::Claude | Thinker::Codex => shell,
    }
}

#[cfg(test)]
mod tests;
