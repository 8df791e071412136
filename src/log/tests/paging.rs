use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use proptest::prelude::*;
use regex::Regex;

use super::super::*;

const DAY: i64 = 86_400_000;
/// 2026-11-20T00:00:00Z.
const T0: i64 = 1_795_132_800_000;

/// Logs of `dev` and `dev-ops` over several days, with foreign and empty lines, as files have them.
fn logs() -> impl Strategy<Value = Vec<(bool, u8, u8, u8, String)>> {
    let text = prop_oneof![
        3 => "[a-z ]{0,12}",
        1 => r#"["\\\n\té🦀{}]{0,6}"#,
        1 => "x{300,400}",
    ];
    prop::collection::vec((any::<bool>(), 0..4u8, 0..3u8, 0..7u8, text), 0..60)
}

fn write(dir: &Path, logs: &[(bool, u8, u8, u8, String)]) {
    let mut logs = logs.to_vec();
    logs.sort_by_key(|l| l.1);
    let mut files = BTreeMap::<_, String>::new();
    for (i, (ops, day, run, kind, text)) in logs.iter().enumerate() {
        let name = if *ops { "dev-ops" } else { "dev" };
        let time = T0 + i64::from(*day) * DAY + i as i64;
        let file = dir.join(format!("{name}-{}.log", day_of(time)));
        let record = Record::new(time, Level::ALL[usize::from(*kind % 5)], name, text.clone())
            .of(format!("{name}-0000000{run}"));
        let line = match kind {
            0 => format!("{}\n", text.replace('\n', " ")),
            1 => format!("\n{}\n", record.to_line()),
            2 => "{\"level\":30,\"time\":17\n".to_owned(),
            _ => format!("{}\n", record.to_line()),
        };
        files.entry(file).or_default().push_str(&line);
    }
    files.iter().for_each(|(path, text)| fs::write(path, text).unwrap());
}

/// What the files hold, filtered in the plainest way.
fn content(dir: &Path, query: &Query) -> Vec<Record> {
    let files = list(dir).unwrap().into_iter().filter(|f| f.name == query.name);
    let mut all = Vec::new();
    for file in files.filter(|f| query.date.is_none_or(|d| d == f.date)) {
        let text = fs::read_to_string(&file.path).unwrap();
        for line in text.split('\n').filter(|l| !l.trim().is_empty()) {
            let mut record = Record::from_line(line.as_bytes());
            if record.time == 0 {
                record.time = day_start_ms(file.date);
                record.name = query.name.clone();
            }
            let grep = query.grep.as_ref();
            if (query.instance.is_none() || query.instance == record.instance)
                && record.level >= query.level_min
                && query.after_ms.is_none_or(|t| record.time > t)
                && query.before_ms.is_none_or(|t| record.time < t)
                && grep.is_none_or(|g| g.is_match(line) || g.is_match(&record.msg))
            {
                all.push(record);
            }
        }
    }
    all
}

fn forward(dir: &Path, query: &Query, limit: usize) -> Vec<Record> {
    forward_within(dir, query, limit, u64::MAX)
}

fn forward_within(dir: &Path, query: &Query, limit: usize, bytes: u64) -> Vec<Record> {
    let (mut all, mut from) = (Vec::new(), From::Start);
    loop {
        let page = page_within(dir, query, from, limit, bytes).unwrap();
        assert!(page.records.len() <= limit);
        all.extend(page.records);
        if !page.more {
            return all;
        }
        from = From::After(page.last.unwrap());
    }
}

fn backward(dir: &Path, query: &Query, limit: usize) -> Vec<Record> {
    backward_within(dir, query, limit, u64::MAX)
}

fn backward_within(dir: &Path, query: &Query, limit: usize, bytes: u64) -> Vec<Record> {
    let (mut all, mut from) = (Vec::new(), From::End);
    loop {
        let page = page_within(dir, query, from, limit, bytes).unwrap();
        assert!(page.records.len() <= limit);
        all.splice(0..0, page.records);
        if !page.more {
            return all;
        }
        from = From::Before(page.first.unwrap());
    }
}

fn queries() -> impl Strategy<Value = Query> {
    (any::<bool>(), prop::option::of(0..3u8), 0..5usize, 0..4u8, prop::option::of(0..4i64))
        .prop_map(|(ops, run, level, filter, day)| {
            let name = if ops { "dev-ops" } else { "dev" };
            let mut query = Query::all(name);
            query.instance = run.map(|run| format!("{name}-0000000{run}"));
            query.level_min = Level::ALL[level];
            match filter {
                0 => query.grep = Some(Regex::new("[ae]").unwrap()),
                1 => query.grep = Some(Regex::new("^[a-k]|\n").unwrap()),
                2 => query.after_ms = day.map(|d| T0 + d * DAY + 20),
                _ => query.before_ms = day.map(|d| T0 + d * DAY + 20),
            }
            if filter == 0 {
                query.date = day.map(|d| day_of(T0 + d * DAY));
            }
            query
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn pages_put_together_are_the_filtered_content(logs in logs(), query in queries(), limit in 1..70usize) {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), &logs);
        let expected = content(dir.path(), &query);
        prop_assert_eq!(&forward(dir.path(), &query, limit), &expected);
        prop_assert_eq!(&backward(dir.path(), &query, limit), &expected);
    }

    /// Lines of neighbours used to crowd out those of a run: what was read counted, not what was
    /// consumed.
    #[test]
    fn pages_that_end_early_lose_nothing(
        logs in logs(), query in queries(), limit in 1..20usize, bytes in 1..2000u64,
    ) {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), &logs);
        let expected = content(dir.path(), &query);
        prop_assert_eq!(&forward_within(dir.path(), &query, limit, bytes), &expected);
        prop_assert_eq!(&backward_within(dir.path(), &query, limit, bytes), &expected);
    }

    /// Between any two pages of a reader somebody writes, also half a line.
    #[test]
    fn a_reader_of_a_growing_log_gets_every_record_once(
        logs in logs(), query in queries(), limit in 1..20usize, bytes in 1..2000u64,
        cuts in prop::collection::vec(1..400usize, 1..40),
    ) {
        let (whole, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        write(whole.path(), &logs);
        let (mut seen, mut from) = (Vec::new(), From::Start);
        let mut read = |dir: &Path| {
            let page = page_within(dir, &query, from, limit, bytes).unwrap();
            seen.extend(page.records);
            from = page.last.map_or(from, From::After);
            page.more
        };
        let mut cuts = cuts.iter().cycle();
        // A day is over before the next one begins.
        let mut files = list(whole.path()).unwrap();
        files.sort_by_key(|file| file.date);
        for file in files {
            let bytes = fs::read(&file.path).unwrap();
            let path = dir.path().join(file.path.file_name().unwrap());
            let mut written = 0;
            while written < bytes.len() {
                written = (written + cuts.next().unwrap()).min(bytes.len());
                // What is no record comes in whole lines.
                let line = bytes[..written].iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
                if written > line && bytes[line] != b'{' {
                    let rest = bytes[line..].iter().position(|b| *b == b'\n');
                    written = rest.map_or(bytes.len(), |rest| line + rest + 1);
                }
                fs::write(&path, &bytes[..written]).unwrap();
                read(dir.path());
            }
        }
        while read(dir.path()) {}
        prop_assert_eq!(seen, content(whole.path(), &query));
    }
}

#[test]
fn lines_longer_than_a_block_are_whole() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::open(dir.path(), "dev", Redactor::default()).unwrap();
    let sizes = [10, 65_530, 65_536, 70_000, 3, 200_000, 131_000, 1];
    let records: Vec<_> =
        sizes.iter().map(|n| Record::new(T0, Level::Info, "dev", "é".repeat(*n))).collect();
    writer.write_all(&records).unwrap();
    let query = Query::all("dev");
    for limit in 1..=sizes.len() + 1 {
        assert!(forward(dir.path(), &query, limit) == records, "forward by {limit}");
        assert!(backward(dir.path(), &query, limit) == records, "backward by {limit}");
    }
}

#[test]
fn the_end_of_a_big_file_is_read_without_the_rest() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("dev-2026-11-20.log");
    let file = fs::File::create(&path).unwrap();
    file.set_len(64 << 20).unwrap(); // a hole: 64 MiB of what is no line at all
    drop(file);
    let mut writer = Writer::open(dir.path(), "dev", Redactor::default()).unwrap();
    let records: Vec<_> =
        (0..1000).map(|i| Record::new(T0 + i, Level::Info, "dev", format!("line {i}"))).collect();
    writer.write_all(&records).unwrap();

    let page = page(dir.path(), &Query::all("dev"), From::End, 50).unwrap();
    assert_eq!(page.records, records[950..]);
    assert!(page.more);
    assert!(page.read_bytes <= 2 * 65_536, "{} bytes read", page.read_bytes);
}

#[test]
fn an_agent_never_sees_lines_of_one_whose_name_begins_alike() {
    let dir = tempfile::tempdir().unwrap();
    for (name, day) in
        [("dev", "2026-11-20"), ("dev-ops", "2026-11-21"), ("dev-2026-11-20", "2026-11-22")]
    {
        let line = Record::new(T0, Level::Info, name, "hello").to_line();
        fs::write(dir.path().join(format!("{name}-{day}.log")), line + "\n").unwrap();
    }
    let seen = |name: &str| backward(dir.path(), &Query::all(name), 10);
    assert_eq!(seen("dev"), [Record::new(T0, Level::Info, "dev", "hello")]);
    assert_eq!(seen("dev-ops"), [Record::new(T0, Level::Info, "dev-ops", "hello")]);
    assert_eq!(names(dir.path()).unwrap(), ["dev", "dev-2026-11-20", "dev-ops"]);
    assert_eq!(Query::run("dev-ops-1a2b3c4d").unwrap().name, "dev-ops");
    assert!(Query::run("dev-ops").is_none());
}

#[test]
fn half_a_record_at_the_end_waits_for_its_other_half() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("dev-2026-11-20.log");
    let first = Record::new(T0, Level::Info, "dev", "one");
    let second = Record::new(T0 + 1, Level::Info, "dev", "two");
    let (head, tail) = (second.to_line()[..30].to_owned(), second.to_line()[30..].to_owned());
    fs::write(&path, format!("{}\n{head}", first.to_line())).unwrap();
    let before = page(dir.path(), &Query::all("dev"), From::End, 10).unwrap();
    assert_eq!(before.records, [first]);

    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text + &tail).unwrap();
    let rest = From::After(before.last.unwrap());
    assert_eq!(page(dir.path(), &Query::all("dev"), rest, 10).unwrap().records, [second]);
}

#[test]
fn half_a_record_that_nobody_completed_is_shown_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("dev-2026-11-19.log"), r#"{"level":30,"ti"#).unwrap();
    let mut writer = Writer::open(dir.path(), "dev", Redactor::default()).unwrap();
    let record = Record::new(T0, Level::Info, "dev", "after the crash");
    writer.write(&record).unwrap();
    let torn = Record::new(T0 - DAY, Level::Info, "dev", r#"{"level":30,"ti"#);
    assert_eq!(backward(dir.path(), &Query::all("dev"), 10), [torn, record]);
}

#[test]
fn no_files_are_an_empty_page() {
    let dir = tempfile::tempdir().unwrap();
    let empty = Page {
        records: vec![],
        places: vec![],
        first: None,
        last: None,
        more: false,
        read_bytes: 0,
    };
    assert_eq!(page(dir.path(), &Query::all("dev"), From::End, 10).unwrap(), empty);
    assert_eq!(page(&dir.path().join("gone"), &Query::all("dev"), From::Start, 10).unwrap(), empty);
}

#[test]
fn cursors_survive_their_text_and_nothing_else_is_one() {
    let cursor = Cursor { date: day_of(T0), offset: 123_456_789_012 };
    assert_eq!(cursor.to_string().parse(), Ok(cursor));
    assert_eq!(cursor.to_string(), "MjAyNi0xMS0yMDoxMjM0NTY3ODkwMTI");
    for bad in [
        "",
        "x",
        "MjAyNi0xMS0yMDo",
        "MjAyNi0xMy0yMDox",
        "Li4vLi4vZXRjOjE",
        "MjAyNi0xMS0yMDotMQ",
        "é",
    ] {
        assert!(bad.parse::<Cursor>().is_err(), "{bad:?}");
    }
}
