//! A provider's key is for the provider: no tool, no file and no log has it.

use std::fs;
use std::path::Path;

use al_support::{Fake, Say};
use serde_json::json;

use crate::project::{KEY, Project, last_result};

/// All that a command can see of itself and of who started it.
const LOOK: &str = "env; for p in $$ $PPID; do tr '\\0' '\\n' </proc/$p/environ; \
                    tr '\\0' ' ' </proc/$p/cmdline; done; echo looked";

/// Files below `dir` that contain the key.
fn with_key(dir: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        // Links lead to the program itself.
        let (kind, path) = (entry.file_type().unwrap(), entry.path());
        if kind.is_dir() {
            with_key(&path, found);
        } else if kind.is_file() {
            let bytes = fs::read(&path).unwrap();
            if memchr::memmem::find(&bytes, KEY.as_bytes()).is_some() {
                found.push(path.display().to_string());
            }
        }
    }
}

#[test]
fn a_key_reaches_its_provider_and_nothing_else() {
    // Even one that the model knows from somewhere is kept out of what is written down.
    let fake = Fake::start(vec![
        Say::calling("bash", json!({"command": LOOK})),
        Say::calling("bash", json!({"command": format!("echo the key is {KEY}")})),
        Say::text("Done."),
    ]);
    let project = Project::with_model("anthropic", "claude-sonnet-4-5", &fake);
    let shown = project.run(0);
    let asked = fake.asked();
    assert!(asked.iter().all(|asked| asked.header("x-api-key") == Some(KEY)));
    let seen = last_result(&asked[1]);
    assert!(seen.contains("looked") && seen.contains("AL_"), "{seen}");
    assert!(!seen.contains(KEY), "a tool sees the key: {seen}");
    assert!(!shown.contains(KEY), "{shown}");
    let mut found = Vec::new();
    with_key(&project.dir(), &mut found);
    assert_eq!(found, Vec::<String>::new(), "files with the key");
}
