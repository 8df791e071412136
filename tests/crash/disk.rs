//! Disks that are full, broken or not ours.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use insta::assert_snapshot;
use serde_json::json;

use crate::http::{deliver, healthy};
use crate::project::{AL, AWAIT_GO, Project, await_some, read_json, rows, until};

fn small() -> Project {
    Project::new("").agent("dev", "", "#!/bin/sh\n")
}

fn start(project: &Project) -> String {
    project.said(&project.al(&["start", "-H", "--port", "0"]))
}

#[test]
fn a_state_folder_that_is_a_file() {
    let project = small();
    fs::write(project.state_dir(), "").unwrap();
    assert_snapshot!(start(&project), @r"
    error: <project>/.al cannot be written: File exists (os error 17)
    hint: <project>/.al has to be a directory that you own
    hint: look at it: ls -ld <project>/.al
    exit code 4
    ");
}

#[test]
fn a_damaged_history() {
    let project = small();
    fs::create_dir(project.state_dir()).unwrap();
    fs::write(project.state_dir().join("al.db"), "this is no database\n".repeat(1000)).unwrap();
    assert_snapshot!(start(&project), @r"
    error: the history in <project>/.al/al.db is damaged: file is not a database
    hint: keep a copy, then move it away: mv <project>/.al/al.db <project>/.al/al.db.damaged
    hint: the next start begins a new history; agents and settings are not in it
    exit code 4
    ");
}

/// Whatever is wrong with the bytes of a history, `al` says so and does not panic.
#[test]
fn a_history_with_damaged_pages() {
    let project = small();
    let scheduler = project.start();
    for n in 0..12 {
        let run = scheduler.accept(&project, &n.to_string());
        project.await_state(&run, "succeeded");
    }
    scheduler.end();
    let file = project.state_dir().join("al.db");
    let whole = fs::read(&file).unwrap();
    for page in 1..whole.len() / 4096 {
        let mut bytes = whole.clone();
        bytes[page * 4096..(page + 1) * 4096].fill(0x5a);
        fs::write(&file, bytes).unwrap();
        for args in [&["stat"][..], &["runs"], &["triggers"]] {
            let output = project.al(args);
            let said = project.said(&output);
            assert!(matches!(output.status.code(), Some(0 | 4)), "page {page}: {said}");
            assert!(!said.contains("panicked"), "page {page}: {said}");
        }
    }
}

#[test]
fn a_history_of_a_newer_al() {
    let project = small();
    project.start().end();
    project.database().execute_batch("PRAGMA user_version = 999").unwrap();
    assert_snapshot!(start(&project), @r"
    error: <project>/.al/al.db was written by a newer al (schema 999, this one knows 7)
    hint: use the al that wrote it, or a newer one
    exit code 4
    ");
    assert_snapshot!(project.said(&project.al(&["runs"])), @r"
    error: <project>/.al/al.db was written by a newer al (schema 999, this one knows 7)
    hint: use the al that wrote it, or a newer one
    exit code 4
    ");
}

// --- disks of their own -------------------------------------------------------------------------

/// `al start` with a file system of its own at `.al`.
fn mounted(project: &Project, options: &str) -> Option<Command> {
    let mut command = mount(project, options, r#""$0" start -H --port 0 -p "$3""#)?;
    command.env("AL_HOME", project.home()).env("NO_COLOR", "1");
    Some(command)
}

/// A program with a file system of its own at `.al`: mounted in a mount namespace, so nothing is
/// left when it and what it started ends. None where this user may not mount anything and the test
/// is not wanted.
pub fn mount(project: &Project, options: &str, program: &str) -> Option<Command> {
    let by_root = rustix::process::geteuid().is_root();
    let user: &[&str] = if by_root { &[] } else { &["--user", "--map-root-user"] };
    let unshare = || {
        let mut command = Command::new("unshare");
        command.args(user).args(["--mount", "/bin/sh", "-c"]);
        command
    };
    let probe = unshare().arg("mount -t tmpfs tmpfs /mnt").output();
    if !probe.as_ref().is_ok_and(|output| output.status.success()) {
        assert!(
            std::env::vars_os().any(|(name, _)| name == "AL_TEST_NO_MOUNT"),
            "this test needs to mount a file system, as root or in a user namespace \
             (`unshare --user --map-root-user --mount`); where that cannot be, set \
             AL_TEST_NO_MOUNT=1 to go without it: {probe:?}"
        );
        eprintln!("NOT TESTED: nothing can be mounted here, and AL_TEST_NO_MOUNT is set");
        return None;
    }
    fs::create_dir_all(project.state_dir()).unwrap();
    let mut command = unshare();
    command
        .arg(format!(r#"mount -t tmpfs -o "$1,mode=0755" tmpfs "$2" && exec {program}"#))
        .arg(AL)
        .arg(options)
        .args([project.state_dir(), project.dir()]);
    Some(command)
}

#[test]
fn a_read_only_disk() {
    let project = small();
    let Some(mut command) = mounted(&project, "ro") else { return };
    assert_snapshot!(project.said(&command.output().unwrap()), @r"
    error: <project>/.al/logs cannot be written: Read-only file system (os error 30)
    hint: a scheduler needs a disk that can be written: history and logs are there
    hint: which disk that is: df <project>/.al
    exit code 4
    ");
}

#[test]
fn a_start_on_a_full_disk() {
    // Room for almost nothing, for the history alone, for the history and a bit of its log.
    for size in ["size=4k", "size=16k", "size=40k"] {
        let project = small();
        let Some(mut command) = mounted(&project, size) else { return };
        insta::allow_duplicates! {
            assert_snapshot!(project.said(&command.output().unwrap()), @r"
            error: the disk with <project>/.al/al.db is full
            hint: free some space; nothing was lost
            exit code 4
            ");
        }
    }
}

/// `al` where the scheduler's file system is seen as it sees it.
pub fn within(pid: u32, project: &Project, args: &[&str]) -> Command {
    let user: &[&str] = if rustix::process::geteuid().is_root() {
        &[]
    } else {
        &["--user", "--preserve-credentials"]
    };
    let mut command = Command::new("nsenter");
    command.args(["--target", &pid.to_string(), "--mount"]).args(user).arg("--").arg(AL);
    command.args(args).arg("-p").arg(project.dir()).env("AL_HOME", project.home());
    command
}

/// Writes until nothing fits any more.
pub fn fill(file: &Path) {
    use std::io::Write;
    let mut file = fs::OpenOptions::new().append(true).create(true).open(file).unwrap();
    for size in [64 * 1024, 4096, 1] {
        while file.write_all(&vec![b'x'; size]).is_ok() {}
    }
}

#[test]
fn a_full_disk_refuses_deliveries_and_loses_nothing() {
    let script =
        format!("#!/bin/sh\necho $$ >> $AL_AGENT_DIR/started\n{AWAIT_GO}\necho late\nexit 7\n");
    let project = Project::new("").agent("dev", "scale = 1", &script);
    let Some(command) = mounted(&project, "size=16m") else { return };
    let seen = |pid: u32, path: PathBuf| {
        PathBuf::from(format!("/proc/{pid}/root")).join(path.strip_prefix("/").unwrap())
    };
    let scheduler = project.start_by(command, |pid| seen(pid, project.state_dir()));
    let dir = seen(scheduler.pid(), project.dir());
    let runs = || rows(read_json(within(scheduler.pid(), &project, &["runs", "--json"])), "runs");

    let (status, _) = deliver(&scheduler.url, "before").unwrap();
    assert_eq!(status, 200);
    project.left_by("dev", "started");
    let ballast = dir.join(".al/ballast");
    fill(&ballast);
    // What SQLite had room for already may still be taken.
    let mut taken = 1;
    let refused = await_some("a full disk", || {
        fill(&ballast);
        let (status, answer) = deliver(&scheduler.url, &format!("full-{taken}")).unwrap();
        taken += usize::from(status == 200);
        (status != 200).then_some((status, answer))
    });
    assert_eq!(refused, (503, json!({"error": "the delivery could not be stored"})));
    assert!(healthy(&scheduler.url), "the scheduler lives");
    // Whoever answers for it hears of it, everywhere.
    let alerts = || project.said(&within(scheduler.pid(), &project, &["alerts"]).output().unwrap());
    let told = alerts();
    assert!(told.contains("disk full, nothing starts"), "{told}");
    assert!(told.contains("free some space"), "{told}");
    scheduler.says("disk full, nothing starts");
    // The run ends meanwhile; its exit has a place that was kept for it.
    let first = runs()[0].clone();
    let exit = format!(".al/runs/{}/1/exit.json", first["id"].as_str().unwrap());
    project.go("dev");
    until("the end of the run", || dir.join(&exit).exists());

    fs::remove_file(&ballast).unwrap();
    // Nothing has to come for that to be seen.
    await_some("the end of the alert", || (!alerts().contains("disk full")).then_some(()));
    let refused_before = format!("full-{taken}");
    await_some("room", || {
        let (status, _) = deliver(&scheduler.url, &refused_before).unwrap();
        (status == 200).then_some(())
    });
    let ended = await_some("the end of all runs", || {
        let runs = runs();
        (runs.len() == taken + 1 && runs.iter().all(|run| !run["ended_ms"].is_null()))
            .then_some(runs)
    });
    for run in ended {
        assert_eq!(
            (&run["state"], &run["exit_code"], &run["attempt"]),
            (&json!("failed"), &json!(7), &json!(1)),
            "{run}"
        );
    }
    scheduler.end();
}
