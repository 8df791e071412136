//! Credentials of a run: where they are while it lives, and that nothing of them stays.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;

use action_llama::runtime::{Error, ExitWhy, Presence, Runtime, Spec};

use crate::world::{World, kill_9, soon};

/// It is in no record, in no file that stays, and in no process's arguments.
const PLANTED: &str = "planted-7f3a9c-secret";

/// A run of this line with a credential.
fn equipped(world: &World, line: &str) -> Spec {
    let mut spec = world.line(line);
    spec.env = vec![("ACME_TOKEN".to_owned(), PLANTED.to_owned())];
    spec.files = vec![
        ("acme/default/token".to_owned(), format!("{PLANTED}\n")),
        ("acme/other/token".to_owned(), "x\n".to_owned()),
    ];
    spec.secrets = vec![PLANTED.to_owned()];
    spec
}

/// Files below a folder that hold the secret.
fn holders(dir: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).into_iter().flatten().map(Result::unwrap) {
        let path = entry.path();
        if entry.file_type().unwrap().is_dir() {
            found.extend(holders(&path));
        } else if fs::read(&path).is_ok_and(|b| String::from_utf8_lossy(&b).contains(PLANTED)) {
            found.push(path.display().to_string());
        }
    }
    found
}

fn assert_nothing_is_left(world: &World) {
    assert!(!world.attempt().credentials().exists());
    assert_eq!(holders(world.path()), [] as [String; 0]);
}

#[tokio::test]
async fn a_run_finds_its_credentials_in_files_for_itself_only() {
    let world = World::new();
    let spec = equipped(
        &world,
        r#"cd "$AL_CREDENTIALS_PATH" && find . -type f | sort && test "$(cat acme/default/token)" = "$ACME_TOKEN" \
           && echo same && echo > "$AL_WORK_DIR/ready"; while [ ! -e "$AL_WORK_DIR/go" ]; do sleep 0.01; done"#,
    );
    let handle = world.runtime.start(spec).await.unwrap();
    world.await_work_file("ready").await;
    let folder = world.attempt().credentials();
    let mode = |path: &str| fs::metadata(folder.join(path)).unwrap().permissions().mode() & 0o777;
    for dir in ["", "acme", "acme/default", "acme/other"] {
        assert_eq!(mode(dir), 0o700, "{dir}");
    }
    assert_eq!(mode("acme/default/token"), 0o400);
    assert_eq!(fs::metadata(&folder).unwrap().uid(), rustix::process::getuid().as_raw());
    fs::write(world.attempt().work().join("go"), "").unwrap();
    world.wait(&handle).await;
    assert_eq!(world.output(), ["./acme/default/token", "./acme/other/token", "same"]);
    assert_nothing_is_left(&world);
}

#[tokio::test]
async fn a_secret_is_in_no_argument_while_the_run_lives_and_nowhere_afterwards() {
    let world = World::new();
    let spec = equipped(
        &world,
        r#"echo "$ACME_TOKEN"; cat "$AL_CREDENTIALS_PATH/acme/default/token"
           al-status "it is $ACME_TOKEN" || echo "it is $ACME_TOKEN" > "$AL_SIGNAL_DIR/status"
           printf '%s' "$ACME_TOKEN" > "$AL_SIGNAL_DIR/return"; echo > ready
           while [ ! -e go ]; do sleep 0.01; done; rm "$AL_SIGNAL_DIR/return" "$AL_SIGNAL_DIR/status""#,
    );
    let handle = world.runtime.start(spec).await.unwrap();
    world.await_work_file("ready").await;
    let all = fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| fs::read_to_string(entry.ok()?.path().join("cmdline")).ok());
    assert_eq!(all.filter(|arguments| arguments.contains(PLANTED)).count(), 0);
    fs::write(world.attempt().work().join("go"), "").unwrap();
    world.wait(&handle).await;
    assert!(world.output().iter().any(|line| line == "[redacted]"), "{:?}", world.output());
    assert_nothing_is_left(&world);
}

#[tokio::test]
async fn credentials_are_gone_whatever_ended_the_run() {
    let wait = r#"echo > ready; while :; do sleep 1; done"#;
    let world = World::new();
    assert_eq!(world.run(equipped(&world, "exit 3")).await.code, Some(3));
    assert_nothing_is_left(&world);

    let world = World::new();
    let exit = world.run(Spec { timeout_s: 1, ..equipped(&world, wait) }).await;
    assert_eq!(exit.why, ExitWhy::TimedOut { after_s: 1 });
    assert_nothing_is_left(&world);

    let world = World::new();
    let handle = world.runtime.start(equipped(&world, wait)).await.unwrap();
    world.await_work_file("ready").await;
    assert!(world.runtime.stop("a-1", 1, Duration::from_secs(5)).await.unwrap());
    assert_eq!(world.wait(&handle).await.why, ExitWhy::Stopped);
    assert_nothing_is_left(&world);

    let world = World::new();
    let missing = action_llama::project::ScriptCommand::Program(vec!["./missing".to_owned()]);
    let exit = world.run(Spec { command: missing, ..equipped(&world, "") }).await;
    assert!(matches!(exit.why, ExitWhy::CannotExecute { .. }), "{exit:?}");
    assert_nothing_is_left(&world);
}

#[tokio::test]
async fn whoever_finds_that_a_supervisor_was_killed_removes_them() {
    let world = World::new();
    let spec = equipped(&world, "echo > ready; while :; do sleep 1; done");
    let handle = world.runtime.start(spec).await.unwrap();
    world.await_work_file("ready").await;
    kill_9(handle.pid);
    assert_eq!(soon(world.runtime.wait(&handle)).await.unwrap().why, ExitWhy::Lost);
    assert_nothing_is_left(&world);
    assert_eq!(world.runtime.inspect("a-1", 1).await.unwrap(), Presence::Lost);
}

#[tokio::test]
async fn an_attempt_that_never_began_has_none() {
    let world = World::new();
    assert_eq!(world.runtime.inspect("a-1", 1).await.unwrap(), Presence::Absent);
    let start = world.runtime.start(equipped(&world, "true")).await;
    assert!(matches!(start, Err(Error::Claimed { .. })));
    assert_nothing_is_left(&world);
}

#[tokio::test]
async fn a_path_that_leads_elsewhere_is_refused() {
    for path in ["../up", "/etc/x", "a/../../b"] {
        let world = World::new();
        let mut spec = equipped(&world, "true");
        spec.files = vec![(path.to_owned(), "x".to_owned())];
        let exit = world.run(spec).await;
        assert!(matches!(exit.why, ExitWhy::CannotExecute { .. }), "{path}: {exit:?}");
    }
}
