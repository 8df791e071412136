use std::io::Cursor;

use super::{VERSION, *};
use crate::*;

fn header() -> Header {
    let project = "acme-bots".to_owned();
    Header { console_recording: VERSION, version: "0.1.0".to_owned(), project, at_ms: 0 }
}

fn host() -> HostRow {
    HostRow {
        project: "acme-bots".into(),
        environment: None,
        gateway: None,
        mode: HostMode::Running,
        paused: None,
        scale: None,
        started_ms: 0,
        version: "0.1.0".into(),
        pid: 1,
        alerts: Vec::new(),
    }
}

fn snapshot(seq: u64) -> Down {
    let (agents, runs, triggers) = (Vec::new(), Vec::new(), Vec::new());
    let host = host();
    Down::Snapshot(Box::new(Snapshot { v: 1, seq, at_ms: 0, host, agents, runs, triggers }))
}

/// The same as it is told after a jump.
fn told_at(seq: u64, at_ms: i64) -> Down {
    let Down::Snapshot(told) = snapshot(seq) else { unreachable!() };
    Down::Snapshot(Box::new(Snapshot { at_ms, ..*told }))
}

fn delta(seq: u64) -> Down {
    Down::Delta(Delta { seq, at_ms: 0, puts: Vec::new() })
}

fn record(at_ms: i64, msg: &str) -> LogRecord {
    LogRecord {
        at_ms,
        level: LogLevel::Info,
        name: "dev".into(),
        run: Some("dev-1".into()),
        msg: msg.into(),
        fields: serde_json::Map::new(),
        place: None,
    }
}

fn dev() -> LogSource {
    LogSource::Agent("dev".into())
}

fn log(source: LogSource, records: Vec<LogRecord>) -> Down {
    Down::Log(LogChunk { records, reset: true, ..LogChunk::empty(source) })
}

fn kill(id: u64, token: Option<&str>) -> Up {
    let command = Command::kill(Target::Run("dev-1".into()));
    Up::Submit { id, seen: 1, command, token: token.map(Into::into) }
}

fn done(id: u64) -> Down {
    Down::Reply { id, reply: Reply::Done { why: "killed".into(), run: None } }
}

fn stale(id: u64) -> Down {
    Down::Reply { id, reply: Reply::Stale { now: Vec::new() } }
}

fn file() -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut recorder = Recorder::begin(&mut bytes, &header(), 1 << 20).unwrap();
    let (a, b, c) = (record(900, "a"), record(1_000, "b"), record(2_500, "c"));
    let said = [
        (1_000, Said::Down(Down::Link(Link::Open { round_trip_ms: 3, url: None }))),
        (1_000, Said::Down(snapshot(1))),
        (1_100, Said::Down(log(dev(), vec![a.clone(), b.clone(), b.clone()]))),
        (2_000, Said::Down(delta(2))),
        (2_500, Said::Down(log(LogSource::Run("dev-1".into()), vec![a, b, c]))),
        (2_600, Said::Up(kill(7, None))),
        (2_700, Said::Down(stale(7))),
        (2_800, Said::Up(kill(8, Some("t")))),
        (2_900, Said::Down(done(8))),
        // The clock was set back.
        (2_000, Said::Down(delta(3))),
        (4_000, Said::Down(snapshot(9))),
    ];
    for (at_ms, said) in said {
        recorder.keep(at_ms, said).unwrap();
    }
    assert_eq!(recorder.entries(), 10, "how the way is, is not kept");
    bytes
}

fn player() -> Player<Cursor<Vec<u8>>> {
    Player::new(Recording::open(Cursor::new(file())).unwrap())
}

#[test]
fn rows_come_when_their_time_has_come_and_again_after_a_jump_back() {
    let mut player = player();
    assert_eq!(player.span(), (1_000, 4_000));
    assert_eq!(player.go_to(1_000).unwrap(), [told_at(1, 1_000)]);
    assert_eq!(player.next_ms(), Some(2_000));
    assert_eq!(player.advance(1_999).unwrap(), []);
    assert_eq!(player.advance(3_000).unwrap(), [delta(2), delta(3)]);
    assert_eq!(player.go_to(2_000).unwrap(), [told_at(2, 2_000)]);
    assert_eq!(player.advance(3_000).unwrap(), [delta(3)]);
    assert_eq!(player.go_to(9_000).unwrap(), [told_at(9, 4_000)]);
    assert!(player.ended());
    assert_eq!(player.go_to(0).unwrap(), [told_at(1, 1_000)]);
}

fn run(n: u64, state: RunState, queued_ms: i64, ended_ms: Option<i64>) -> RunRow {
    let mut row: RunRow = serde_json::from_value(serde_json::json!({
        "id": format!("dev-{n}"), "agent": "dev", "state": "queued", "why": "", "trigger": "manual",
        "attempt": 1, "stopping": false, "queued_ms": queued_ms,
    }))
    .unwrap();
    (row.state, row.started_ms, row.ended_ms) = (state, Some(queued_ms), ended_ms);
    row
}

/// A recording of these deltas, one a second.
fn recorded(deltas: impl Iterator<Item = Vec<Row>>) -> Player<Cursor<Vec<u8>>> {
    let mut bytes = Vec::new();
    let mut recorder = Recorder::begin(&mut bytes, &header(), 1 << 30).unwrap();
    recorder.keep(0, Said::Down(snapshot(1))).unwrap();
    for (n, puts) in (1_u32..).zip(deltas) {
        let delta = Delta { seq: u64::from(n) + 1, at_ms: 0, puts };
        recorder.keep(i64::from(n) * 1_000, Said::Down(Down::Delta(delta))).unwrap();
    }
    Player::new(Recording::open(Cursor::new(bytes)).unwrap())
}

#[test]
fn a_jump_tells_no_more_than_a_console_keeps() {
    let deltas = (0..3_000_i64).map(|n| {
        let at_ms = n * 1_000;
        let n = n.unsigned_abs();
        vec![
            Row::Run(run(n, RunState::Running, at_ms, None)),
            Row::Run(run(n.saturating_sub(1), RunState::Failed, at_ms - 1_000, Some(at_ms))),
        ]
    });
    let mut player = recorded(deltas);
    let told = player.go_to(3_000_000).unwrap();
    let [Down::Snapshot(told)] = &told[..] else { panic!("{} messages", told.len()) };
    assert_eq!((told.seq, told.runs.len()), (3_001, 1_001));
    assert_eq!((&*told.runs[0].id, &*told.runs[1_000].id), ("dev-2999", "dev-1999"));
    let again = player.go_to(3_000).unwrap();
    let [Down::Snapshot(told)] = &again[..] else { panic!("{again:?}") };
    let ids: Vec<&str> = told.runs.iter().map(|run| run.id.as_str()).collect();
    assert_eq!(ids, ["dev-2", "dev-1", "dev-0"], "what was later is not known then");
}

#[test]
fn what_happened_is_counted_as_of_the_instant_that_is_shown() {
    let minute = 60_000;
    let deltas = (0..180).map(|n| match n {
        10 => vec![Row::Run(run(1, RunState::Succeeded, 1_000, Some(11_000)))],
        100 => vec![Row::Run(run(2, RunState::Failed, 95_000, Some(101_000)))],
        _ => Vec::new(),
    });
    let mut player = recorded(deltas);
    let mut counted = |at_ms: i64| {
        player.go_to(at_ms).unwrap();
        let told = player.hear(Up::Count { every_ms: minute, buckets: 3 }).unwrap();
        let Some(Down::Series(series)) = told else { panic!("{told:?}") };
        assert_eq!((series.at_ms, series.from_ms % minute), (at_ms, 0));
        let line = |measure| {
            let line = series.total.iter().find(|line| line.measure == measure);
            line.map(|line| line.values.iter().map(|n| n.unwrap_or(9)).collect::<Vec<_>>())
        };
        (line(Measure::Ended), line(Measure::Failed))
    };
    assert_eq!(counted(20_000), (Some(vec![9, 9, 1]), None));
    assert_eq!(counted(179_000), (Some(vec![1, 1, 0]), Some(vec![0, 1, 0])));
    assert_eq!(counted(99_000), (Some(vec![9, 1, 0]), None), "back then");
}

#[test]
fn windows_searches_and_merged_logs_of_a_recording_are_those_of_a_host() {
    let mut player = player();
    player.go_to(2_500).unwrap();
    let both = LogSource::Merged(vec![dev(), LogSource::Run("dev-1".into())]);
    let only = Sieve::default;
    let told =
        player.hear(Up::Tail { source: both, limit: 9, only: only(), ask: 0 }).unwrap().unwrap();
    assert_eq!(messages(&told), (true, "abbc".to_owned()), "each record once");
    let at = |player: &mut Player<_>, place| {
        let up = Up::At { source: dev(), place, limit: 2, only: only(), ask: 0 };
        let Down::Log(chunk) = player.hear(up).unwrap().unwrap() else { panic!() };
        let at = chunk.at.unwrap();
        let text: String = chunk.records.iter().map(|record| record.msg.as_str()).collect();
        (text, at, chunk.more_before, chunk.more_after, chunk.last.unwrap())
    };
    let (text, nth, before, after, last) = at(&mut player, LogPlace::Start);
    assert_eq!((text.as_str(), nth, before, after), ("a", 0, false, true));
    let newer = Up::Newer { source: dev(), after: last, limit: 9, only: only() };
    let newer = player.hear(newer).unwrap().unwrap();
    assert_eq!(messages(&newer), (false, "bbc".to_owned()));
    let (text, nth, before, after, _) = at(&mut player, LogPlace::Time(1_001));
    assert_eq!((text.as_str(), nth, before, after), ("bc", 1, true, false));
    let mut find = |from: Option<&str>, back, text: &str| {
        let what = Sieve { says: vec![Says { text: text.into(), not: false }], ..only() };
        let from = from.map(str::to_owned);
        let up = Up::Find { id: 5, source: dev(), from, back, what, only: only(), limit: 4 };
        match player.hear(up).unwrap().unwrap() {
            Down::Find(LogFind { id: 5, state: FindState::Found { chunk }, .. }) => {
                chunk.records[chunk.at.unwrap()].place.clone()
            }
            Down::Find(LogFind { id: 5, state: FindState::Nothing, .. }) => None,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(find(None, false, "B").as_deref(), Some("000000000001"));
    assert_eq!(find(None, true, "b").as_deref(), Some("000000000002"));
    assert_eq!(find(Some("000000000001"), true, "b"), None);
    assert_eq!(find(None, false, "z"), None);
}

fn messages(told: &Down) -> (bool, String) {
    let Down::Log(chunk) = told else { panic!("{told:?}") };
    (chunk.reset, chunk.records.iter().map(|record| record.msg.as_str()).collect())
}

#[test]
fn a_record_that_came_in_several_chunks_is_in_each_log_once() {
    let mut player = player();
    player.go_to(1_000).unwrap();
    let tail = |source| Up::Tail { source, limit: 2, only: Sieve::default(), ask: 0 };
    let told = player.hear(tail(dev())).unwrap().unwrap();
    assert_eq!(messages(&told), (true, "bb".to_owned()));
    let Down::Log(LogChunk { first: Some(before), more_before: true, .. }) = told else { panic!() };
    let older = player
        .hear(Up::Older { source: dev(), before, limit: 9, only: Sieve::default() })
        .unwrap()
        .unwrap();
    assert_eq!(messages(&older), (false, "a".to_owned()));
    let later: Vec<_> = player.advance(2_500).unwrap().iter().skip(1).map(messages).collect();
    assert_eq!(later, [(false, "c".to_owned())]);
    let run = player.hear(tail(LogSource::Run("dev-1".into()))).unwrap().unwrap();
    assert_eq!(messages(&run), (true, "bc".to_owned()));
    let other = player.hear(tail(LogSource::Scheduler)).unwrap().unwrap();
    assert_eq!(messages(&other), (true, String::new()));
}

#[test]
fn a_command_is_answered_as_it_was_and_any_other_truthfully() {
    let mut player = player();
    player.go_to(1_000).unwrap();
    assert_eq!(player.hear(kill(1, None)).unwrap(), Some(stale(1)));
    assert_eq!(player.hear(kill(2, Some("t"))).unwrap(), Some(done(2)));
    let refused = Reply::Refused { why: "this is a recording: nothing was done".into() };
    let other = player.hear(kill(3, Some("other"))).unwrap();
    assert_eq!(other, Some(Down::Reply { id: 3, reply: refused }));
}

#[test]
fn pages_of_the_past_are_those_that_were_asked_for() {
    let query = |before: Option<&str>| PageQuery {
        of: PageOf::Runs,
        agent: None,
        filter: String::new(),
        before: before.map(Into::into),
        limit: 9,
    };
    let page = |before, total| {
        let (runs, triggers, next) = (Vec::new(), Vec::new(), None);
        let query = query(before);
        Down::Page(Box::new(Page { query, runs, triggers, events: Vec::new(), next, total }))
    };
    let said = Said::Down(page(Some("dev-1"), Some(700)));
    let mut bytes = file();
    bytes.extend(serde_json::to_vec(&Entry { at_ms: 5_000, said }).unwrap());
    let mut player = Player::new(Recording::open(Cursor::new(bytes)).unwrap());
    let known = player.hear(Up::Page(query(Some("dev-1")))).unwrap();
    assert_eq!(known, Some(page(Some("dev-1"), Some(700))));
    assert_eq!(player.hear(Up::Page(query(None))).unwrap(), Some(page(None, None)));
}

#[test]
fn a_file_that_is_wrong_is_told_by_its_line() {
    let check = |text: &str, want: &str| {
        let error = Recording::open(Cursor::new(text.as_bytes().to_vec())).unwrap_err();
        assert_eq!(error.to_string(), want, "{text}");
    };
    let head = serde_json::to_string(&header()).unwrap();
    check("", "line 1: this is no recording of a console (`al record` makes one)");
    check("{}\n", "line 1: this is no recording of a console (`al record` makes one)");
    check(&format!("{head}\n"), "line 2: nothing was recorded: it has no snapshot");
    let newer = head.replace(":1,", ":2,");
    check(&newer, "line 1: a recording of version 2; this al knows 1: take a newer al");
    let broken = format!("{head}\n\n{{\"at_ms\":1}}\n");
    check(&broken, "line 3: no variant of enum Said found in flattened data at line 1 column 11");
}

#[test]
fn a_recorder_that_was_killed_leaves_a_file_that_can_be_played() {
    let whole = file();
    let cut = Recording::open(Cursor::new(whole[..whole.len() - 9].to_vec())).unwrap();
    assert!(cut.cut);
    assert_eq!(Player::new(cut).span(), (1_000, 2_900));
}

#[test]
fn a_recording_is_no_larger_than_it_may_be() {
    let mut bytes = Vec::new();
    let mut recorder = Recorder::begin(&mut bytes, &header(), 100).unwrap();
    let error = recorder.keep(1, Said::Down(snapshot(1))).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
    assert_eq!(bytes.last(), Some(&b'\n'));
}

/// The host takes secrets out of it before it keeps it; a recording has it from the keyboard.
#[test]
fn what_people_say_to_runs_is_not_recorded() {
    let mut bytes = Vec::new();
    let mut recorder = Recorder::begin(&mut bytes, &header(), 1 << 20).unwrap();
    let (run, text) = ("dev-1".to_owned(), "the key is hunter2".to_owned());
    for command in
        [Command::Say { run: run.clone(), text: text.clone() }, Command::Answer { run, text }]
    {
        recorder.keep(1, Said::Up(Up::Submit { id: 1, seen: 1, command, token: None })).unwrap();
    }
    let said = String::from_utf8(bytes).unwrap();
    assert!(said.contains("(not recorded)") && !said.contains("hunter2"), "{said}");
}

#[test]
fn a_file_without_an_end_of_line_is_not_read_for_ever() {
    use std::io::{BufReader, Read, Seek, SeekFrom};
    #[derive(Debug)]
    struct Zeros;
    impl Read for Zeros {
        fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
            buf.fill(0);
            Ok(buf.len())
        }
    }
    impl Seek for Zeros {
        fn seek(&mut self, _: SeekFrom) -> std::io::Result<u64> {
            Ok(0)
        }
    }
    let wrong = Recording::open(BufReader::new(Zeros)).unwrap_err();
    assert!(wrong.to_string().starts_with("line 1: this is no recording"), "{wrong}");
}
