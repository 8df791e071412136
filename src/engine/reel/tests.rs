use std::sync::atomic::AtomicU64;
use std::sync::mpsc::sync_channel;

use al_wire::{Down, FindState, LogLevel, Says};
use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::engine::finding::{Sought, find};
use crate::log::{Redactor, Writer};

const T0: i64 = 1_795_780_000_000;

/// Logs of these names, of records with these times (seconds) and levels.
fn logs(of: &[(&str, &[(i64, Level)])]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, records) in of {
        let mut writer = Writer::open(dir.path(), name, Redactor::default()).unwrap();
        for (n, (second, level)) in records.iter().enumerate() {
            let record =
                Record::new(T0 + second * 1_000, *level, *name, format!("{name} {n} Straße"));
            writer.write(&record).unwrap();
        }
    }
    dir
}

fn reel(dir: &TempDir, names: &[&str], only: Sieve) -> Reel {
    let mut sources: Vec<_> = names.iter().map(|n| LogSource::Agent((*n).into())).collect();
    let source = match names {
        [_] => sources.remove(0),
        _ => LogSource::Merged(sources),
    };
    Reel::new(dir.path(), source, only, Arc::default()).unwrap()
}

fn words(records: &[al_wire::LogRecord]) -> Vec<&str> {
    records.iter().map(|r| r.msg.trim_end_matches(" Straße")).collect()
}

fn info(seconds: &[i64]) -> Vec<(i64, Level)> {
    seconds.iter().map(|second| (*second, Level::Info)).collect()
}

#[test]
fn several_logs_are_read_as_one_in_the_order_of_time() {
    let dir = logs(&[("a", &info(&[1, 4, 5, 9])), ("b", &info(&[1, 2, 6])), ("c", &[])]);
    let reel = reel(&dir, &["a", "b", "c"], Sieve::default());
    let newest = reel.chunk(reel.back(None, 3).unwrap(), true);
    assert_eq!(words(&newest.records), ["a 2", "b 2", "a 3"]);
    assert!(newest.more_before);
    let first = parse(newest.first.as_ref().unwrap()).unwrap();
    let rest = reel.chunk(reel.back(Some(&first), 10).unwrap(), true);
    assert_eq!(words(&rest.records), ["a 0", "b 0", "b 1", "a 1"]);
    assert!(!rest.more_before);
    assert_eq!(rest.last, newest.first);
    let start = reel.at(&LogPlace::Start, 4).unwrap();
    assert_eq!((words(&start.records), start.at), (vec!["a 0", "b 0"], Some(0)));
    assert!(start.more_after && !start.more_before);
    let around = reel.at(&LogPlace::Time(T0 + 4_500), 4).unwrap();
    assert_eq!(around.at, Some(2));
    assert_eq!(words(&around.records), ["b 1", "a 1", "a 2", "b 2"]);
    // A place of one record leads back to it.
    let place = LogPlace::Place(around.records[3].place.clone().unwrap());
    let again = reel.at(&place, 4).unwrap();
    assert_eq!(words(&again.records)[again.at.unwrap()], "b 2");
    let end = reel.at(&LogPlace::Time(T0 + 99_000), 4).unwrap();
    assert_eq!(words(&end.records)[end.at.unwrap()], "a 3");
}

#[test]
fn a_sieve_lets_through_what_the_console_would_show() {
    let levels = [Level::Debug, Level::Info, Level::Error, Level::Warn];
    let records: Vec<_> = (0..8).map(|n| (n, levels[n as usize % 4])).collect();
    let dir = logs(&[("a", &records)]);
    let check = |level: LogLevel, says: &[(&str, bool)], expected: &[&str]| {
        let says = says.iter().map(|(text, not)| Says { text: (*text).into(), not: *not });
        let reel = reel(&dir, &["a"], Sieve { level, says: says.collect(), msg: None });
        let chunk = reel.chunk(reel.back(None, 10).unwrap(), true);
        assert_eq!(words(&chunk.records), expected);
    };
    check(LogLevel::Warn, &[], &["a 2", "a 3", "a 6", "a 7"]);
    check(LogLevel::Error, &[("6", true)], &["a 2"]);
    check(LogLevel::Trace, &[("A 5", false)], &["a 5"]);
    check(LogLevel::Trace, &[("STRASSE", false)], &[]);
    check(LogLevel::Info, &[("straße", false), ("3", true)], &["a 1", "a 2", "a 5", "a 6", "a 7"]);
}

/// What a search finds, and the window around it.
fn found(reel: &Reel, from: Option<&str>, back: bool, what: Sieve) -> Option<LogChunk> {
    let (down, said) = sync_channel(10_000);
    let wanted = Sought {
        id: 7,
        from: from.map(str::to_owned),
        back,
        what,
        only: Sieve::default(),
        limit: 6,
    };
    find(reel, &wanted, &AtomicU64::new(7), &down);
    drop(down);
    match said.into_iter().last() {
        Some(Down::Find(al_wire::LogFind { state: FindState::Found { chunk }, .. })) => {
            Some(*chunk)
        }
        Some(Down::Find(al_wire::LogFind { state: FindState::Nothing, .. })) => None,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_search_finds_the_next_one_in_either_direction() {
    let of = |n: i64| match n % 100 {
        50 => Level::Error,
        _ => Level::Info,
    };
    let (one, two): (Vec<_>, Vec<_>) =
        ((0..1_000).map(|n| (n, of(n))).collect(), (0..1_000).map(|n| (n, of(n + 25))).collect());
    let dir = logs(&[("a", &one), ("b", &two)]);
    let error = || Sieve { level: LogLevel::Error, ..Sieve::default() };
    let says = |text: &str| Sieve {
        says: vec![Says { text: text.into(), not: false }],
        ..Sieve::default()
    };
    let check = |names: &[&str], from: &str, back: bool, what: Sieve, expected: Option<&str>| {
        let reel = reel(&dir, names, Sieve::default());
        let start = found(&reel, None, false, says(from)).unwrap();
        let place = start.records[start.at.unwrap()].place.clone();
        let chunk = found(&reel, place.as_deref(), back, what);
        let at = chunk.as_ref().map(|chunk| words(&chunk.records)[chunk.at.unwrap()]);
        assert_eq!(at, expected, "{names:?} {from} {back}");
    };
    check(&["a"], "a 500", false, error(), Some("a 550"));
    check(&["a"], "a 550", false, error(), Some("a 550"));
    check(&["a"], "a 500", true, error(), Some("a 450"));
    check(&["a"], "a 40", true, error(), None);
    check(&["a"], "a 960", false, error(), None);
    check(&["a"], "a 500", true, says("A 77 "), Some("a 77"));
    check(&["a"], "a 500", false, says("nowhere"), None);
    check(&["a", "b"], "a 500", false, error(), Some("b 525"));
    check(&["a", "b"], "a 500", true, error(), Some("a 450"));
    let (down, said) = sync_channel(16);
    let wanted =
        Sought { id: 7, from: None, back: false, what: error(), only: Sieve::default(), limit: 6 };
    find(&reel(&dir, &["a"], Sieve::default()), &wanted, &AtomicU64::new(8), &down);
    drop(down);
    assert_eq!(said.into_iter().count(), 0, "another search has begun");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn pages_in_either_direction_lose_and_repeat_nothing(
        a in proptest::collection::vec(0..50_i64, 0..40),
        b in proptest::collection::vec(0..50_i64, 0..40),
        limit in 1..9_usize,
    ) {
        let dir = logs(&[("a", &info(&a)), ("b", &info(&b))]);
        let reel = reel(&dir, &["a", "b"], Sieve::default());
        let mut back: Vec<String> = Vec::new();
        let mut from: Option<Places> = None;
        loop {
            let stretch = reel.back(from.as_ref(), limit).unwrap();
            prop_assert!(stretch.records.len() <= limit);
            let mut page: Vec<_> = stretch.records.iter().map(|(_, r)| r.msg.clone()).collect();
            // Each record's place is the one before it.
            if let Some((place, record)) = stretch.records.first() {
                let next = reel.forth(Some(place), 1).unwrap().records.remove(0).1;
                let in_order = a.is_sorted() && b.is_sorted();
                prop_assert!(!in_order || next.msg == record.msg);
            }
            page.append(&mut back);
            back = page;
            if !stretch.more {
                break;
            }
            from = Some(stretch.first);
        }
        let mut forth: Vec<String> = Vec::new();
        let mut from: Option<Places> = None;
        loop {
            let stretch = reel.forth(from.as_ref(), limit).unwrap();
            forth.extend(stretch.records.iter().map(|(_, r)| r.msg.clone()));
            if !stretch.more {
                break;
            }
            from = Some(stretch.last);
        }
        for read in [&mut back, &mut forth] {
            read.sort();
        }
        let mut all: Vec<String> = (0..a.len()).map(|n| format!("a {n} Straße")).collect();
        all.extend((0..b.len()).map(|n| format!("b {n} Straße")));
        all.sort();
        prop_assert_eq!(&back, &all);
        prop_assert_eq!(&forth, &all);
    }
}

/// A console takes no message of more than 32 MiB, so the host cuts where it can go on.
#[test]
fn pages_of_long_records_come_in_parts_that_lose_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::open(dir.path(), "a", Redactor::default()).unwrap();
    for n in 0..300_i64 {
        let text = format!("{n:03} {}", "x".repeat(60_000));
        writer.write(&Record::new(T0 + n, Level::Info, "a", text)).unwrap();
    }
    let reel = reel(&dir, &["a"], Sieve::default());
    let parts = |back: bool| {
        let (mut said, mut parts, mut from) = (Vec::new(), 0, None);
        loop {
            let stretch = match back {
                true => reel.back(from.as_ref(), 500).unwrap(),
                false => reel.forth(from.as_ref(), 500).unwrap(),
            };
            let chunk = reel.chunk(stretch, back);
            assert!(chunk.records.iter().map(LogRecord::weight).sum::<usize>() <= CHUNK_BYTES);
            let numbers: Vec<String> = chunk.records.iter().map(|r| r.msg[..3].into()).collect();
            said.splice(if back { 0..0 } else { said.len()..said.len() }, numbers);
            parts += 1;
            let (more, place) = match back {
                true => (chunk.more_before, chunk.first),
                false => (chunk.more_after, chunk.last),
            };
            if !more {
                return (said, parts);
            }
            from = Some(parse(&place.unwrap()).unwrap());
        }
    };
    let all: Vec<String> = (0..300).map(|n| format!("{n:03}")).collect();
    assert_eq!((parts(true), parts(false)), ((all.clone(), 3), (all, 3)));
}
