use super::*;
use crate::fixture::{more, page, place, record, records};
use al_wire::LogLevel;

fn source() -> LogSource {
    LogSource::Agent("dev".into())
}

/// A window over `range` that follows the log.
fn filled(range: std::ops::Range<i64>) -> Buffer {
    let mut buffer = Buffer::default();
    buffer.restart(source());
    let chunk = LogChunk { more_before: true, reset: true, ..page(source(), range) };
    assert_eq!(buffer.take(chunk, Reader::AtEnd), Change::Replaced(None));
    buffer
}

fn older(range: std::ops::Range<i64>) -> LogChunk {
    LogChunk { older: true, ..page(source(), range) }
}

fn newer(range: std::ops::Range<i64>, more_after: bool) -> LogChunk {
    LogChunk { newer: true, more_after, ..page(source(), range) }
}

#[test]
fn records_keep_their_numbers_at_both_ends() {
    let mut buffer = filled(100..110);
    let fifth = buffer.get(5).cloned();
    assert_eq!(buffer.take(page(source(), 110..120), Reader::AtEnd), Change::Appended(10));
    assert_eq!(buffer.take(older(90..100), Reader::At(0)), Change::Prepended(10));
    assert_eq!((buffer.start(), buffer.end(), buffer.len()), (-10, 20, 30));
    assert_eq!(buffer.get(5).cloned(), fifth);
    assert_eq!(buffer.first_place(), Some(&*place(90)));
    assert!(buffer.is_whole());
}

#[test]
fn what_belongs_elsewhere_is_left_alone() {
    let mut buffer = filled(100..110);
    let check = |buffer: &mut Buffer, chunk: LogChunk, change: Change| {
        assert_eq!(buffer.take(chunk, Reader::AtEnd), change);
        assert_eq!((buffer.start(), buffer.end()), (0, 10));
    };
    check(&mut buffer, more(LogSource::Scheduler, records(3..5)), Change::Nothing);
    check(&mut buffer, older(50..60), Change::Nothing);
    check(&mut buffer, newer(110..120, false), Change::Nothing);
    // A hole: the window no longer is the end of the log.
    check(&mut buffer, page(source(), 115..120), Change::Missed(5));
    assert!(!buffer.live);
    check(&mut buffer, page(source(), 120..125), Change::Missed(5));
    assert_eq!(buffer.take(newer(110..125, false), Reader::AtEnd), Change::Appended(15));
    assert!(buffer.live);
}

#[test]
fn a_page_and_what_was_appended_meanwhile_are_put_together_once() {
    let mut buffer = filled(0..10);
    buffer.live = false;
    buffer.take(newer(10..18, false), Reader::AtEnd);
    // Read before the page was, and partly after.
    assert_eq!(buffer.take(page(source(), 10..15), Reader::AtEnd), Change::Appended(0));
    assert_eq!(buffer.take(page(source(), 15..20), Reader::AtEnd), Change::Appended(2));
    let at: Vec<_> = (0..20).map(|n| buffer.get(n).unwrap().place.clone().unwrap()).collect();
    assert_eq!(at, (0..20).map(place).collect::<Vec<_>>());
    assert_eq!(buffer.last_place(), Some(&*place(20)));
}

#[test]
fn the_end_further_from_the_reader_is_let_go_when_there_is_no_room() {
    let full = i64::try_from(RECORDS).unwrap();
    let mut buffer = filled(0..full);
    buffer.take(page(source(), full..full + 50), Reader::AtEnd);
    assert_eq!((buffer.len(), buffer.start(), buffer.live), (RECORDS, 50, true));
    assert_eq!((buffer.first_place(), buffer.more_before), (Some(&*place(50)), true));
    buffer.take(page(source(), full + 50..full + 60), Reader::At(full));
    assert_eq!((buffer.start(), buffer.live), (60, true), "the reader is near the end");
    buffer.take(page(source(), full + 60..full + 70), Reader::At(100));
    assert_eq!((buffer.start(), buffer.live), (60, false));
    assert_eq!(buffer.last_place(), Some(&*place(full + 60)));
    buffer.take(older(0..60), Reader::At(62));
    assert_eq!(
        (buffer.start(), buffer.len(), buffer.last_place()),
        (0, RECORDS, Some(&*place(full)))
    );
}

#[test]
fn bytes_are_bounded_too() {
    let mut buffer = filled(0..1);
    for _ in 0..50 {
        let huge = record(0, LogLevel::Info, &"x".repeat(1024 * 1024));
        buffer.take(more(source(), vec![huge]), Reader::AtEnd);
    }
    assert!(buffer.bytes <= BYTES && buffer.len() > 20, "{}", buffer.len());
}

#[test]
fn gaps_stay_where_they_are_and_know_where_they_begin() {
    let mut buffer = filled(0..10);
    buffer.take(LogChunk { skipped: 7, ..page(source(), 10..10) }, Reader::AtEnd);
    buffer.take(LogChunk { skipped: 2, ..page(source(), 10..12) }, Reader::AtEnd);
    assert_eq!((9..12).map(|n| buffer.gap_before(n)).collect::<Vec<_>>(), [0, 9, 0]);
    assert_eq!(buffer.gap_place(10), Some(&*place(10)));
}

#[test]
fn no_number_means_two_records() {
    let mut buffer = filled(0..10);
    let around = LogChunk { reset: true, at: Some(3), more_after: true, ..page(source(), 50..60) };
    assert_eq!(buffer.take(around, Reader::AtEnd), Change::Replaced(Some(13)));
    assert_eq!((buffer.start(), buffer.live), (10, false));
    assert_eq!(buffer.find_place(&place(53)), Some(13));
}
