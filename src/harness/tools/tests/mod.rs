//! Tools as a model uses them: a name, arguments, and what is said.

mod arguments;
mod files;
mod look;
mod shells;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use super::{Done, Workshop};
use crate::agent;

/// A work folder, and beside it the agent's own.
struct World {
    dir: TempDir,
    shop: Workshop,
}

impl World {
    fn new() -> Self {
        Self::with_shell("/bin/sh")
    }

    fn with_shell(shell: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for name in ["work", "agent", "signals"] {
            fs::create_dir(dir.path().join(name)).unwrap();
        }
        let place = agent::Place {
            signal_dir: Some(dir.path().join("signals")),
            env_file: Some(dir.path().join("env.sh")),
            ..agent::Place::default()
        };
        let agent_dir = Some(dir.path().join("agent"));
        let shop = Workshop::new(&dir.path().join("work"), agent_dir, shell.into(), place);
        Self { dir, shop }
    }

    /// A path in the work folder.
    fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.dir.path().join("work").join(name)
    }

    fn put(&self, name: impl AsRef<Path>, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn get(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    async fn uses(&self, tool: &str, arguments: Value) -> Done {
        self.shop.use_tool(tool, arguments.as_object().unwrap()).await
    }

    /// What a tool says that does its work.
    async fn good(&self, tool: &str, arguments: Value) -> String {
        let done = self.uses(tool, arguments).await;
        assert!(!done.is_error, "{tool}: {}", done.text);
        done.text
    }

    /// What a tool says that cannot do it.
    async fn bad(&self, tool: &str, arguments: Value) -> String {
        let done = self.uses(tool, arguments).await;
        assert!(done.is_error, "{tool}: {}", done.text);
        done.text
    }
}
