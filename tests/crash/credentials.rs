//! Credentials from the store to a run, and that nothing of them stays in the project.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::json;

use crate::project::{AWAIT_GO, Project, kill_9, until};

const PLANTED: &str = "planted-5d1c8e-secret";
const ROTATED: &str = "rotated-77ab01-secret";

impl Project {
    fn credential(&self, path: &str, value: &str) {
        let file = self.home().join("credentials").join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, value).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// Files of the project that hold a secret.
    fn holders(&self) -> Vec<String> {
        fn look(dir: &Path, found: &mut Vec<String>) {
            for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
                let path = entry.path();
                let Ok(kind) = entry.file_type() else { continue };
                if kind.is_symlink() {
                    continue; // the commands of runs: this binary
                } else if kind.is_dir() {
                    look(&path, found);
                } else if fs::read(&path).is_ok_and(|bytes| {
                    let holds = |secret: &str| memchr::memmem::find(&bytes, secret.as_bytes());
                    holds(PLANTED).or(holds(ROTATED)).is_some()
                }) {
                    found.push(path.display().to_string());
                }
            }
        }
        let mut found = Vec::new();
        look(&self.dir(), &mut found);
        found
    }
}

const TALKS: &str = r#"#!/bin/sh
echo "token $GITHUB_TOKEN"
cat "$AL_CREDENTIALS_PATH/github_token/default/token"
al-status "I have $GH_TOKEN"
al-return "here: $GITHUB_TOKEN"
echo "$GITHUB_TOKEN" | cksum > "$AL_AGENT_DIR/seen"
"#;

#[test]
fn a_run_has_its_credentials_and_nobody_reads_them_afterwards() {
    let project = Project::new("").agent("dev", "credentials = [\"github_token\"]", TALKS);
    project.credential("github_token/default/token", PLANTED);
    let scheduler = project.start();
    let run = scheduler.accept(&project, "one");
    let row = project.await_state(&run, "succeeded");
    assert_eq!(row["return_value"], json!("here: [redacted]"), "{row}");
    assert_eq!(project.output("dev")[..2], ["token [redacted]", "[redacted]"]);
    let first = project.left_by("dev", "seen");
    // What is replaced counts from the next run on, without a restart.
    project.credential("github_token/default/token", ROTATED);
    let run = scheduler.accept(&project, "two");
    let row = project.await_state(&run, "succeeded");
    assert_eq!(row["return_value"], json!("here: [redacted]"), "{row}");
    assert_ne!(project.left_by("dev", "seen"), first);
    until("the runs' folders are gone", || {
        fs::read_dir(project.state_dir().join("runs")).is_ok_and(|mut runs| runs.next().is_none())
    });
    assert_eq!(project.holders(), [] as [String; 0]);
    assert!(!scheduler.said().contains("secret"), "{}", scheduler.said());
    scheduler.end();
    assert_eq!(project.holders(), [] as [String; 0]);
}

#[test]
fn a_run_without_its_credential_does_not_start_and_says_what_to_do() {
    let project = Project::new("").agent("dev", "credentials = [\"github_token:bot\"]", TALKS);
    let scheduler = project.start();
    let todo = "credential github_token:bot: there is none; al creds add github_token:bot";
    let warning = format!("warning: runs of dev will fail: {todo}");
    assert!(scheduler.said().contains(&warning), "{}", scheduler.said());
    let run = scheduler.accept(&project, "one");
    project.await_state(&run, "failed");
    let why = String::from_utf8(project.al(&["why", &run]).stdout).unwrap();
    let flat = why.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flat.contains(todo), "{why}");
    // As soon as it is there, runs start.
    project.credential("github_token/bot/token", PLANTED);
    fs::write(project.agent_dir("dev").join("run.sh"), "#!/bin/sh\ntest -n \"$GITHUB_TOKEN\"\n")
        .unwrap();
    let run = scheduler.accept(&project, "two");
    project.await_state(&run, "succeeded");
    scheduler.end();
}

#[test]
fn credentials_go_with_a_supervisor_that_was_killed_beside_its_scheduler() {
    let script = format!("#!/bin/sh\necho $PPID > $AL_AGENT_DIR/ready\n{AWAIT_GO}\n");
    let settings = "credentials = [\"github_token\"]\nretry = { attempts = 1 }";
    let project = Project::new("").agent("dev", settings, &script);
    project.credential("github_token/default/token", PLANTED);
    let scheduler = project.start();
    let run = scheduler.accept(&project, "one");
    let supervisor = project.left_by("dev", "ready").trim().parse().unwrap();
    assert_eq!(project.holders().len(), 1, "while it lives: {:?}", project.holders());
    scheduler.kill_9();
    kill_9(supervisor);
    let scheduler = project.start();
    let row = project.await_end(&run);
    assert_eq!(row["state"], "failed", "{row}");
    until("its credentials are gone", || project.holders().is_empty());
    scheduler.end();
}
