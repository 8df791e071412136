use super::*;
use crate::fixture::{more, record, records, tail};
use al_wire::LogLevel;

fn source() -> LogSource {
    LogSource::Agent("dev".into())
}

fn filled(range: std::ops::Range<i64>) -> Buffer {
    let mut buffer = Buffer::default();
    buffer.restart(source());
    let chunk = LogChunk { more_before: true, ..tail(source(), records(range)) };
    assert_eq!(buffer.take(chunk, false), Change::Replaced);
    buffer
}

#[test]
fn records_keep_their_numbers_at_both_ends() {
    let mut buffer = filled(100..110);
    let fifth = buffer.get(5).cloned();
    assert_eq!(buffer.take(more(source(), records(110..120)), false), Change::Appended(10));
    let older = LogChunk {
        older: true,
        reset: false,
        more_before: false,
        first: Some("c-1".into()),
        ..tail(source(), records(90..100))
    };
    assert_eq!(buffer.take(older, true), Change::Prepended(10));
    assert_eq!((buffer.start(), buffer.end(), buffer.len()), (-10, 20, 30));
    assert_eq!(buffer.get(5).cloned(), fifth);
    assert_eq!((buffer.first_cursor(), buffer.more_before), (Some("c-1"), false));
}

#[test]
fn a_log_that_is_no_longer_wanted_is_left_alone() {
    let mut buffer = filled(0..3);
    assert_eq!(buffer.take(more(LogSource::Scheduler, records(3..5)), false), Change::Nothing);
    assert_eq!(buffer.len(), 3);
}

#[test]
fn the_oldest_chunks_go_when_there_is_no_room() {
    let mut buffer = filled(0..500);
    for n in 0..45 {
        let first = Some(format!("c{n}"));
        let chunk = LogChunk { first, ..more(source(), records(0..500)) };
        buffer.take(chunk, false);
    }
    assert_eq!(buffer.len(), RECORDS);
    assert_eq!(buffer.start(), 3_000);
    assert_eq!((buffer.first_cursor(), buffer.more_before), (Some("c5"), true));
}

#[test]
fn the_newest_go_while_somebody_reads_the_oldest() {
    let mut buffer = filled(0..500);
    for _ in 0..45 {
        buffer.take(more(source(), records(0..500)), true);
    }
    assert_eq!((buffer.len(), buffer.start(), buffer.detached), (RECORDS, 0, true));
    assert_eq!(buffer.take(more(source(), records(0..3)), true), Change::Appended(3));
    assert_eq!(buffer.len(), RECORDS);
}

#[test]
fn bytes_are_bounded_too() {
    let mut buffer = filled(0..1);
    for _ in 0..50 {
        let huge = record(0, LogLevel::Info, &"x".repeat(1024 * 1024));
        buffer.take(more(source(), vec![huge]), false);
    }
    assert!(buffer.bytes <= BYTES && buffer.len() > 20, "{}", buffer.len());
}

#[test]
fn gaps_stay_where_they_are() {
    let mut buffer = filled(0..10);
    buffer.take(LogChunk { skipped: 7, ..more(source(), Vec::new()) }, false);
    buffer.take(LogChunk { skipped: 2, ..more(source(), records(10..12)) }, false);
    assert_eq!((9..12).map(|n| buffer.gap_before(n)).collect::<Vec<_>>(), [0, 9, 0]);
}
