//! Alerts: what a person should know of and mend. They stay until it is mended.

use super::model::Millis;

/// Keys of alerts about the project's files begin with this; the rest is the file.
const CONFIG: &str = "config:";
/// Keys of alerts about spent budgets begin with this; the rest is the agent.
const BUDGET: &str = "budget:";

/// Keys of alerts about images that cannot be built begin with this; the rest is the agent.
const IMAGE: &str = "image:";
/// The key of the alert about a container engine that runs cannot use.
pub const ENGINE: &str = "engine";

/// What is wrong, without the instant at which that was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The same fault has the same key.
    pub key: String,
    /// The agent that it concerns; none for the project.
    pub agent: Option<String>,
    /// A sentence without a full stop.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// Where it is, relative to the project where that is possible.
    pub file: Option<String>,
    /// From 1.
    pub line: Option<u32>,
}

/// A fault that is there since `at`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    pub at: Millis,
    pub fault: Fault,
}

impl Fault {
    /// The key of the alert about a certificate of the gateway that cannot be used.
    pub const TLS: &str = "tls";
    /// The key of the alert that nothing can be written. It is no row: it could not be written.
    pub const DISK: &str = "disk";

    /// The key of what is wrong in a file of the project.
    pub fn config_key(file: &str) -> String {
        format!("{CONFIG}{file}")
    }

    /// The key of an agent's spent budget.
    pub fn budget_key(agent: &str) -> String {
        format!("{BUDGET}{agent}")
    }

    /// The key of an agent's image.
    pub fn image_key(agent: &str) -> String {
        format!("{IMAGE}{agent}")
    }

    /// The fault with its place in front: `agents/dev/config.toml:3: ...`.
    pub fn sentence(&self) -> String {
        match (&self.file, self.line) {
            (Some(file), Some(line)) => format!("{file}:{line}: {}", self.message),
            (Some(file), None) => format!("{file}: {}", self.message),
            (None, _) => self.message.clone(),
        }
    }
}

/// True for alerts about the project's files.
pub fn is_config(key: &str) -> bool {
    key.starts_with(CONFIG)
}

/// True for alerts about what is outside of the project: images, the container engine and the
/// certificate. Each host looks for itself.
pub fn is_outside(key: &str) -> bool {
    key == ENGINE || key == Fault::TLS || image_of(key).is_some()
}

/// The agent of an alert about an image.
pub fn image_of(key: &str) -> Option<&str> {
    key.strip_prefix(IMAGE)
}

/// The agent of an alert about a spent budget.
pub fn budget_of(key: &str) -> Option<&str> {
    key.strip_prefix(BUDGET)
}
