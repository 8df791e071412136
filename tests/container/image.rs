//! The image of these tests: Debian with the binary under test, as an agent's image has it.

use std::fs;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::UNIX_EPOCH;

use action_llama::agent::COMMANDS;

use crate::world::AL;

/// Id of the image; built when the binary has changed.
pub fn image() -> String {
    static IMAGE: OnceLock<String> = OnceLock::new();
    IMAGE.get_or_init(build).clone()
}

fn build() -> String {
    let meta = fs::metadata(AL).unwrap();
    let age = meta.modified().unwrap().duration_since(UNIX_EPOCH).unwrap().as_nanos();
    let tag = format!("al-container-test:{}-{age}", meta.len());
    let known = crate::docker(&["image", "inspect", "--format", "{{.Id}}", &tag]);
    if !known.is_empty() {
        return known;
    }
    let dir = tempfile::tempdir().unwrap();
    fs::copy(AL, dir.path().join("al")).unwrap();
    let links: Vec<String> =
        COMMANDS.iter().map(|name| format!("ln -s al /app/bin/{name}")).collect();
    let dockerfile = format!(
        "FROM debian:bookworm-slim\nCOPY al /app/bin/al\nRUN {} && mkdir -p /app/static && echo a file > /app/static/note\n",
        links.join(" && ")
    );
    fs::write(dir.path().join("Dockerfile"), dockerfile).unwrap();
    let built = Command::new("docker")
        .args(["build", "--tag", &tag, "."])
        .env("DOCKER_BUILDKIT", "0")
        .current_dir(dir.path())
        .stdout(Stdio::null())
        .output()
        .unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    crate::docker(&["image", "inspect", "--format", "{{.Id}}", &tag])
}
