use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use super::super::*;

const T0: i64 = 1_795_132_800_000;
const DAY: i64 = 86_400_000;

fn info(time: i64, msg: &str) -> Record {
    Record::new(time, Level::Info, "dev", msg)
}

fn write(dir: &Path, records: &[Record]) {
    let mut writer = Writer::open(dir, &records[0].name, Redactor::default()).unwrap();
    writer.write_all(records).unwrap();
}

/// Waits until `n` records came and gives their messages.
fn take(follower: &mut Follower, n: usize) -> Vec<String> {
    let mut seen = Vec::new();
    while seen.len() < n {
        seen.extend(follower.next(2).unwrap().unwrap().into_iter().map(|r| r.msg));
    }
    seen
}

#[test]
fn what_is_written_after_a_page_is_followed() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &[info(T0, "old")]);
    let last = page(dir.path(), &Query::all("dev"), From::End, 10).unwrap().last;
    let mut follower = Follower::new(dir.path(), Query::all("dev"), last);
    assert_eq!(follower.poll(10).unwrap(), []);
    write(dir.path(), &[info(T0 + 1, "a"), info(T0 + 2, "b"), info(T0 + 3, "c")]);
    assert_eq!(take(&mut follower, 3), ["a", "b", "c"]);
    let place = page(dir.path(), &Query::all("dev"), From::End, 1).unwrap().last;
    assert_eq!(follower.cursor(), place);
}

#[test]
fn following_goes_on_after_midnight_and_sees_late_records() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &[info(T0, "old")]);
    let last = page(dir.path(), &Query::all("dev"), From::End, 10).unwrap().last;
    let mut follower = Follower::new(dir.path(), Query::all("dev"), last);
    write(dir.path(), &[info(T0 + 1, "evening"), info(T0 + DAY, "morning")]);
    assert_eq!(take(&mut follower, 2), ["evening", "morning"]);
    write(dir.path(), &[info(T0 + DAY - 1, "late"), info(T0 + DAY + 1, "next")]);
    assert_eq!(take(&mut follower, 2), ["late", "next"]);
    write(dir.path(), &[info(T0 + 3 * DAY, "later")]);
    assert_eq!(take(&mut follower, 1), ["later"]);
}

#[test]
fn a_truncated_or_replaced_file_is_read_from_its_beginning() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &[info(T0, "one"), info(T0, "two")]);
    let mut follower = Follower::new(dir.path(), Query::all("dev"), None);
    assert_eq!(take(&mut follower, 2), ["one", "two"]);
    let path = dir.path().join("dev-2026-11-20.log");

    fs::write(&path, "").unwrap();
    write(dir.path(), &[info(T0, "three")]);
    assert_eq!(take(&mut follower, 1), ["three"]);

    let other = dir.path().join("other");
    fs::write(&other, format!("{}\n", info(T0, "a longer text than before").to_line())).unwrap();
    fs::rename(&other, &path).unwrap();
    assert_eq!(take(&mut follower, 1), ["a longer text than before"]);
}

#[test]
fn a_log_that_does_not_exist_yet_is_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let logs = dir.path().join("logs");
    let mut follower = Follower::new(&logs, Query::run("dev-1a2b3c4d").unwrap(), None);
    let write = thread::spawn(move || {
        write(&logs, &[info(T0, "other").of("dev-00000000")]);
        write(&logs, &[info(T0, "mine").of("dev-1a2b3c4d")]);
    });
    assert_eq!(take(&mut follower, 1), ["mine"]);
    write.join().unwrap();
}

#[test]
fn half_a_line_is_not_followed_until_it_is_whole() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("dev-2026-11-20.log");
    let line = info(T0, "whole").to_line() + "\n";
    fs::write(&path, &line[..40]).unwrap();
    let mut follower = Follower::new(dir.path(), Query::all("dev"), None);
    assert_eq!(follower.poll(10).unwrap(), []);
    fs::write(&path, &line).unwrap();
    assert_eq!(take(&mut follower, 1), ["whole"]);

    let half = &line[..40];
    fs::write(&path, line.clone() + half).unwrap();
    assert_eq!(follower.poll(10).unwrap(), []);
    write(dir.path(), &[info(T0 + DAY, "nobody completed it")]);
    assert_eq!(take(&mut follower, 2), [half, "nobody completed it"]);
}

#[test]
fn a_waiting_follower_can_be_stopped() {
    let dir = tempfile::tempdir().unwrap();
    let mut follower = Follower::new(dir.path(), Query::all("dev"), None);
    let stopper = follower.stopper();
    let waiting = thread::spawn(move || follower.next(10).unwrap());
    stopper.stop();
    assert_eq!(waiting.join().unwrap(), None);
}

#[test]
fn patience_ends_with_no_records() {
    let dir = tempfile::tempdir().unwrap();
    let mut follower = Follower::new(dir.path(), Query::all("dev"), None);
    let soon = Some(Duration::from_millis(1));
    assert_eq!(follower.next_within(10, soon).unwrap(), Some(vec![]));
    write(dir.path(), &[info(T0, "one")]);
    let one = follower.next_within(10, Some(Duration::from_secs(600))).unwrap().unwrap();
    assert_eq!(one[0].msg, "one");
}

#[test]
fn nothing_is_missed_while_many_write() {
    let dir = tempfile::tempdir().unwrap();
    let mut follower = Follower::new(dir.path(), Query::all("dev"), None);
    thread::scope(|scope| {
        for w in 0..4 {
            let dir = dir.path();
            scope.spawn(move || {
                let mut writer = Writer::open(dir, "dev", Redactor::default()).unwrap();
                for i in 0..250 {
                    let msg = format!("{w:04}{i:04}{}", "x".repeat(i * 31 % 5000));
                    writer.write(&info(T0 + i as i64, &msg)).unwrap();
                }
            });
        }
        let mut seen = take(&mut follower, 1000);
        seen.iter_mut().for_each(|m| m.truncate(8));
        seen.sort();
        let all: Vec<_> =
            (0..4).flat_map(|w| (0..250).map(move |i| format!("{w:04}{i:04}"))).collect();
        assert_eq!(seen, all);
    });
}
