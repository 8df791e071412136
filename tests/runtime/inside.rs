//! The commands as an agent has them, without a run around them.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use action_llama::agent::COMMANDS;
use action_llama::runtime::install_tools;
use tempfile::TempDir;

use crate::world::AL;

pub const OK: &str = "{\"ok\":true}\n";

/// A directory with the commands, and one for signals.
pub struct Inside {
    dir: TempDir,
    pub env: Vec<(String, String)>,
}

#[derive(Debug, PartialEq)]
pub struct Said {
    pub stdout: String,
    pub stderr: String,
    pub code: i32,
}

pub fn said(stdout: &str, code: i32) -> Said {
    Said { stdout: stdout.to_owned(), stderr: String::new(), code }
}

impl Inside {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        install_tools(&dir.path().join("bin"), Path::new(AL), &COMMANDS).unwrap();
        fs::create_dir(dir.path().join("signals")).unwrap();
        let text = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
        let env = vec![
            ("AL_SIGNAL_DIR".to_owned(), text("signals")),
            ("AL_ENV_FILE".to_owned(), text("env.sh")),
        ];
        Self { dir, env }
    }

    pub fn at(mut self, url: &str) -> Self {
        self.env.push(("GATEWAY_URL".to_owned(), url.to_owned()));
        self.env.push(("SHUTDOWN_SECRET".to_owned(), "s3cret".to_owned()));
        self
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Calls a command, with stdin and arguments.
    pub fn call(&self, name: &str, args: &[&str], stdin: &str) -> Said {
        let mut child = self.start(name, args);
        // A command that does not read its stdin may be gone already.
        let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
        end(child)
    }

    pub fn start(&self, name: &str, args: &[&str]) -> Child {
        Command::new(self.path("bin").join(name))
            .args(args)
            .env_clear()
            .envs(self.env.iter().cloned())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// The signal files and what is in them.
    pub fn signals(&self) -> BTreeMap<String, String> {
        fs::read_dir(self.path("signals"))
            .unwrap()
            .map(|entry| entry.unwrap())
            .map(|entry| {
                let name = entry.file_name().into_string().unwrap();
                (name, fs::read_to_string(entry.path()).unwrap())
            })
            .collect()
    }
}

/// What a command said once it has ended.
pub fn end(child: Child) -> Said {
    let output = child.wait_with_output().unwrap();
    Said {
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
        code: output.status.code().unwrap(),
    }
}

/// What commands say when nobody answers at the gateway's address.
pub fn unreachable() -> Said {
    let body = r#"{"ok":false,"reason":"gateway unreachable","error":"gateway unreachable"}"#;
    let stderr = "cannot connect: Connection refused (os error 111)\n".to_owned();
    Said { stderr, ..said(&format!("{body}\n"), 6) }
}
