use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::super::*;

const T0: i64 = 1_795_132_800_000;
const HOUR: i64 = 3_600_000;

fn info(time: i64, msg: &str) -> Record {
    Record::new(time, Level::Info, "dev", msg)
}

fn files(dir: &std::path::Path) -> Vec<(String, String)> {
    let text = |f: LogFile| {
        let name = f.path.file_name().unwrap().to_str().unwrap().to_owned();
        (name, fs::read_to_string(&f.path).unwrap())
    };
    list(dir).unwrap().into_iter().map(text).collect()
}

#[test]
fn a_record_goes_to_the_file_of_its_own_day() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::open(dir.path(), "dev", Redactor::default()).unwrap();
    writer.write(&info(T0 - 1, "before midnight")).unwrap();
    writer.write_all(&[info(T0 - 1, "still"), info(T0, "midnight"), info(T0 - 1, "late")]).unwrap();
    insta::assert_debug_snapshot!(files(dir.path()), @r#"
    [
        (
            "dev-2026-11-19.log",
            "{\"level\":30,\"time\":1795132799999,\"name\":\"dev\",\"msg\":\"before midnight\"}\n{\"level\":30,\"time\":1795132799999,\"name\":\"dev\",\"msg\":\"still\"}\n{\"level\":30,\"time\":1795132799999,\"name\":\"dev\",\"msg\":\"late\"}\n",
        ),
        (
            "dev-2026-11-20.log",
            "{\"level\":30,\"time\":1795132800000,\"name\":\"dev\",\"msg\":\"midnight\"}\n",
        ),
    ]
    "#);
}

#[test]
fn only_the_owner_can_read_logs() {
    let dir = tempfile::tempdir().unwrap();
    let logs = dir.path().join("al").join("logs");
    Writer::open(&logs, "dev", Redactor::default()).unwrap().write(&info(T0, "x")).unwrap();
    let mode = |p: &std::path::Path| fs::metadata(p).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&logs), 0o700);
    assert_eq!(mode(&logs.join("dev-2026-11-20.log")), 0o600);
}

#[test]
fn names_that_would_leave_the_directory_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    for bad in ["", "../dev", "a/b", ".hidden"] {
        assert!(Writer::open(dir.path(), bad, Redactor::default()).is_err(), "{bad:?}");
    }
}

#[test]
fn many_writers_of_one_file_never_mix_their_lines() {
    let dir = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for w in 0..8 {
            let path = dir.path();
            scope.spawn(move || {
                let mut writer = Writer::open(path, "dev", Redactor::default()).unwrap();
                for i in 0..200 {
                    let msg = format!("{w}:{i}:{}", "x".repeat(i * 37 % 9000));
                    writer.write(&info(T0 + i as i64, &msg)).unwrap();
                }
            });
        }
    });
    let records = page(dir.path(), &Query::all("dev"), From::End, 10_000).unwrap().records;
    assert_eq!(records.len(), 1600);
    for w in 0..8 {
        let own = records.iter().filter_map(|r| r.msg.strip_prefix(&format!("{w}:")));
        let numbers: Vec<usize> =
            own.map(|m| m.split(':').next().unwrap().parse().unwrap()).collect();
        assert_eq!(numbers, (0..200).collect::<Vec<_>>());
    }
}

#[test]
fn a_file_that_was_removed_is_made_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::open(dir.path(), "dev", Redactor::default()).unwrap();
    writer.write(&info(T0, "lost")).unwrap();
    fs::remove_file(dir.path().join("dev-2026-11-20.log")).unwrap();
    writer.write(&info(T0, "kept")).unwrap();
    assert_eq!(files(dir.path())[0].1, info(T0, "kept").to_line() + "\n");
}

#[test]
fn a_record_after_half_a_line_starts_on_a_line_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::open(dir.path(), "dev", Redactor::default()).unwrap();
    let path = dir.path().join("dev-2026-11-20.log");
    fs::write(&path, r#"{"level":30,"#).unwrap();
    writer.write(&info(T0, "one")).unwrap();
    let text = format!("{{\"level\":30,\n{}\n", info(T0, "one").to_line());
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
}

#[test]
fn old_files_go_and_foreign_ones_stay() {
    let dir = tempfile::tempdir().unwrap();
    let all = [
        "dev-2026-11-05.log",
        "dev-2026-11-06.log",
        "dev-2026-11-20.log",
        "notes-old.log",
        "dev-2026-11-05.txt",
    ];
    for name in all {
        fs::write(dir.path().join(name), "").unwrap();
    }
    let removed = prune(dir.path(), 14, day_of(T0 + HOUR)).unwrap();
    assert_eq!(removed, [dir.path().join("dev-2026-11-05.log")]);
    assert!(all[1..].iter().all(|name| dir.path().join(name).exists()));
}
