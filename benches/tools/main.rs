//! What the tool `bash` costs beside the shell itself.
//!
//! `cargo bench --bench tools [rounds]` runs the same command through the tool and as a bare
//! `sh -c`, in turns, and prints the medians, their ratio and their difference, which is to stay
//! under 3 ms.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

#[path = "../figures/measure.rs"]
#[allow(dead_code)]
mod measure;

use std::path::Path;
use std::process::{Command, Stdio};

use action_llama::agent::{Place, invoke};
use action_llama::harness::tools::Workshop;
use serde_json::json;

use measure::{Aim, Table, compare};

/// What the tool may take longer than the shell, in milliseconds.
const AIM_MS: f64 = 3.0;
const COMMANDS: [(&str, &str); 3] = [
    ("true", "true"),
    ("echo", "echo hello; echo world >&2"),
    ("a megabyte of output", "head -c 1000000 /dev/zero | tr '\\0' x"),
];

fn main() {
    // `cargo bench` adds `--bench`.
    let rounds = std::env::args().skip(1).find_map(|arg| arg.parse().ok()).unwrap_or(300);
    let tokio = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let mut table = Table::new();
    for shell in ["sh", "bash"] {
        for variables in [false, true] {
            let env_file = dir.path().join(format!("{shell}-{variables}.sh"));
            let place = Place { env_file: Some(env_file), ..Place::default() };
            if variables {
                let args = ["NAME".into(), "it's a value".into()];
                assert_eq!(invoke(&place, "setenv", &args, "").unwrap().code, 0);
            }
            let shell_path = Path::new("/bin").join(shell);
            let shop = Workshop::new(dir.path(), None, shell_path.clone(), place);
            for (name, command) in COMMANDS {
                let arguments = json!({"command": command});
                let arguments = arguments.as_object().unwrap();
                let (tool, floor) = compare(
                    rounds,
                    || assert!(!tokio.block_on(shop.use_tool("bash", arguments)).is_error),
                    || bare(&shell_path, command, dir.path()),
                );
                let with = if variables { ", variables" } else { "" };
                let name = format!("{shell}: {name}{with}");
                table.row(&name, tool, ("bare shell", floor), "ms", Aim::AtMost(floor + AIM_MS));
            }
        }
    }
}

fn bare(shell: &Path, command: &str, dir: &Path) {
    let mut shell = Command::new(shell);
    shell.arg("-c").arg(command).current_dir(dir).stdin(Stdio::null());
    assert!(shell.output().unwrap().status.success());
}
