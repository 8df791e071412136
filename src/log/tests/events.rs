use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use tracing_subscriber::prelude::*;

use super::super::*;

const T0: i64 = 1_795_132_800_000;

/// Logs what `f` does, until everything is written.
fn logged(dir: &Path, f: impl FnOnce()) {
    let redactor = Redactor::new(["hunter2hunter2"]);
    let (log, guard) = EventLog::open(dir, SCHEDULER, redactor, || T0).unwrap();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(log), f);
    drop(guard);
}

fn text(dir: &Path) -> String {
    fs::read_to_string(dir.join("scheduler-2026-11-20.log")).unwrap()
}

#[test]
fn events_become_records_of_the_scheduler() {
    let dir = tempfile::tempdir().unwrap();
    logged(dir.path(), || {
        tracing::info!(agent = "dev", exit_code = 3, ok = false, "run {} ended", 7);
        let instance = "dev-1a2b3c4d";
        let error = std::io::Error::other("disk: hunter2hunter2");
        tracing::warn!(instance, error = &error as &dyn std::error::Error, "slow");
        tracing::debug!(target: "hyper", "noise");
    });
    insta::assert_snapshot!(text(dir.path()), @r#"
    {"level":30,"time":1795132800000,"name":"scheduler","msg":"run 7 ended","agent":"dev","exit_code":3,"ok":false}
    {"level":40,"time":1795132800000,"name":"scheduler","instance":"dev-1a2b3c4d","msg":"slow","error":"disk: [redacted]"}
    {"level":20,"time":1795132800000,"name":"scheduler","msg":"noise","target":"hyper"}
    "#);
}

#[test]
fn a_full_disk_costs_records_and_says_how_many() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("scheduler-2026-11-20.log");
    symlink("/dev/full", &path).unwrap();
    let redactor = Redactor::default();
    let (log, guard) = EventLog::open(dir.path(), SCHEDULER, redactor, || T0).unwrap();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(log), || {
        tracing::info!("lost 1");
        tracing::info!("lost 2");
        while guard.lost() < 2 {
            std::thread::yield_now();
        }
        fs::remove_file(&path).unwrap();
        tracing::info!("kept");
    });
    drop(guard);
    insta::assert_snapshot!(text(dir.path()), @r#"
    {"level":40,"time":1795132800000,"name":"scheduler","msg":"2 log records before this one were lost","lost":2,"error":"No space left on device (os error 28)"}
    {"level":30,"time":1795132800000,"name":"scheduler","msg":"kept"}
    "#);
}
