use std::fs;
use std::path::Path;

use chrono_tz::Tz;
use clap::Parser;
use serde_json::json;

use super::*;
use crate::failure::Kind;
use crate::log::{Level, Redactor, Writer};

/// 2026-11-20T00:00:00Z.
const T0: i64 = 1_795_132_800_000;
const HOUR: i64 = 3_600_000;
const PLAIN: Style = Style { color: false, tty: false, width: None, zone: Tz::Europe__Berlin };

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    logs: LogsArgs,
}

fn args(line: &str) -> LogsArgs {
    Cli::try_parse_from(format!("logs {line}").split_whitespace()).unwrap().logs
}

fn rec(time: i64, msg: &str) -> Record {
    Record::new(time, Level::Info, "dev", msg).of("dev-1a2b3c4d")
}

fn stdout(time: i64, msg: &str) -> Record {
    rec(time, msg).with("stream", "stdout")
}

/// A project in which these were logged.
fn project(records: &[Record]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("agents/dev")).unwrap();
    fs::create_dir_all(dir.path().join("agents/quiet")).unwrap();
    log(dir.path(), records);
    dir
}

fn log(project: &Path, records: &[Record]) {
    for record in records {
        let logs = project.join(".al/logs");
        Writer::open(&logs, &record.name, Redactor::default()).unwrap().write(record).unwrap();
    }
}

/// What `al logs <line>` prints one hour after the records' day began.
fn output(project: &Path, line: &str, style: Style) -> Result<String, Failure> {
    let mut out = Vec::new();
    show(&args(line), project, &mut out, style, T0 + HOUR, |_| Ok(()))?;
    Ok(String::from_utf8(out).unwrap().replace('\u{1b}', "␛"))
}

/// A day in the life of an agent.
fn story() -> Vec<Record> {
    vec![
        rec(T0 - 2 * HOUR, "Starting dev run (triggered by schedule)"),
        stdout(T0 + 1000, "plain \u{1b}[32mgreen\u{1b}[0m \u{1b}]0;title\u{7}text\twith tab\u{8}"),
        Record::new(T0 + 2000, Level::Warn, "dev", "cannot open file")
            .of("dev-1a2b3c4d")
            .with("stream", "stderr"),
        Record::new(T0 + 2500, Level::Debug, "dev", "tool start")
            .of("dev-1a2b3c4d")
            .with("tool", "read"),
        rec(T0 + 3000, "assistant").with("text", "I will look.\nThen I will act."),
        rec(T0 + 4000, "bash").with("cmd", "ls -la"),
        Record::new(T0 + 5000, Level::Error, "dev", "tool error")
            .of("dev-1a2b3c4d")
            .with("tool", "bash")
            .with("cmd", "ls -la")
            .with("result", "no such\nfile"),
        Record::new(T0 + 6000, Level::Warn, "dev", "slow")
            .of("dev-99999999")
            .with("ms", 12)
            .with("deep", json!({"a": [1]})),
        rec(T0 + 7000, "run completed").with("exitCode", 0).with("elapsed", "12.3s").with("pid", 7),
    ]
}

#[test]
fn people_read_a_log_like_a_story() {
    let project = project(&story());
    insta::assert_snapshot!(output(project.path(), "dev", PLAIN).unwrap());
}

#[test]
fn colours_carry_meaning_and_styles_of_agents_end_with_their_line() {
    let project = project(&story());
    let style = Style { color: true, tty: true, ..PLAIN };
    insta::assert_snapshot!(output(project.path(), "dev -n 7", style).unwrap());
}

#[test]
fn one_run_needs_no_gutter() {
    let project = project(&story());
    let expected = "── Friday 2026-11-20 ──\n01:00:06 warn  slow  ms=12 deep={\"a\":[1]}\n";
    let day = |text: String| {
        format!("── Friday 2026-11-20 ──\n{text}").replace("── Friday 2026-11-20 ──\n── ", "── ")
    };
    for line in ["dev-99999999", "-i dev-99999999", "dev -i 99999999", "dev -i dev-99999999"] {
        assert_eq!(day(output(project.path(), line, PLAIN).unwrap()), expected, "{line}");
    }
}

#[test]
fn raw_is_what_is_stored() {
    let project = project(&story());
    let stored = |r: &Record| r.to_line() + "\n";
    let story = story();
    for line in ["dev -r -n 2", "dev --json -n 2"] {
        let expected: String = story[7..].iter().map(stored).collect();
        assert_eq!(output(project.path(), line, PLAIN).unwrap(), expected);
    }
    let all: String = story.iter().map(stored).collect();
    assert_eq!(output(project.path(), "dev --raw --all", PLAIN).unwrap(), all);
}

#[test]
fn records_are_chosen_by_time_day_and_text() {
    let project = project(&[
        rec(T0 - 25 * HOUR, "first"),
        rec(T0 - HOUR, "second"),
        rec(T0, "third"),
        rec(T0 + HOUR / 2, "fourth"),
    ]);
    let check = |line: &str, expected: &[&str]| {
        let out = output(project.path(), &format!("dev --raw {line}"), PLAIN).unwrap();
        let msgs: Vec<_> = out.lines().map(|l| Record::from_line(l.as_bytes()).msg).collect();
        assert_eq!(msgs, expected, "{line}");
    };
    check("", &["first", "second", "third", "fourth"]);
    check("-n 1", &["fourth"]);
    check("-n 0", &[]);
    check("--after 1h", &["third", "fourth"]);
    check("--after 90m --before 30m", &["third"]);
    check("--after 2026-11-20", &["second", "third", "fourth"]); // midnight in Berlin
    check("--before 2026-11-19T00:00:00Z", &["first"]);
    check("-d 2026-11-19", &["second"]);
    check("-g ir -n 1", &["third"]);
    check("-g ^f", &["first", "fourth"]);
}

#[test]
fn the_scheduler_is_the_default() {
    let own = Record::new(T0, Level::Info, "scheduler", "started").with("agents", 3);
    let project = project(&[own, rec(T0, "other")]);
    assert_eq!(output(project.path(), "", PLAIN).unwrap(), "01:00:00 info  started  agents=3\n");
}

#[test]
fn what_cannot_be_is_said_with_a_way_out() {
    let project = project(&story());
    let check = |line: &str, kind: Kind, message: &str, hint: &str| {
        let failure = output(project.path(), line, PLAIN).unwrap_err();
        assert_eq!(
            (failure.kind, failure.message.as_str(), failure.hints.join("\n").as_str()),
            (kind, message, hint),
            "{line}"
        );
    };
    check("dve", Kind::User, "there is no agent \"dve\" and no log of one", "did you mean 'dev'?");
    check(
        "zebra",
        Kind::User,
        "there is no agent \"zebra\" and no log of one",
        "there are: dev, quiet",
    );
    check(
        "zebra-1a2b3c4d",
        Kind::User,
        "there is no agent \"zebra\" and no log of one",
        "there are: dev, quiet",
    );
    check("quiet", Kind::Nothing, "quiet has logged nothing yet", "add -f to wait for it");
    check("", Kind::Nothing, "scheduler has logged nothing yet", "add -f to wait for it");
    check(
        "dev-00000000",
        Kind::Nothing,
        "no log record of dev-00000000 to show",
        "debug records are shown with --all",
    );
    check("dev -g zzz", Kind::Nothing, "no log record of dev matches", "");
    check(
        "dev -i quiet-1a2b3c4d",
        Kind::User,
        "\"quiet-1a2b3c4d\" is not the id of a run of \"dev\"",
        "a run's id is its agent and 8 hex digits: dev-1a2b3c4d",
    );
    check(
        "dev -d 2026-1-1",
        Kind::User,
        "\"2026-1-1\" is not a date",
        "dates are written 2026-11-20; files are by UTC day",
    );
    check(
        "dev --after soon",
        Kind::User,
        "\"soon\" is not a time",
        "times are written 30m, 2h, 7d (ago), 2026-11-20, '2026-11-20 14:30' or 2026-11-20T14:30:00Z",
    );
    let pattern = output(project.path(), "dev -g (a", PLAIN).unwrap_err();
    assert_eq!((pattern.kind, pattern.code), (Kind::User, "bad_pattern"));
}

#[test]
fn a_terminal_is_told_that_there_is_more() {
    let project = project(&story());
    let out = output(project.path(), "dev -n 1", Style { tty: true, ..PLAIN }).unwrap();
    assert!(out.starts_with("(there is more before this: -n 4)\n"), "{out}");
}

/// Takes what is printed, and says what to do when a text was seen.
struct Watch<F: FnMut(&str) -> io::Result<()>> {
    seen: String,
    then: F,
}

impl<F: FnMut(&str) -> io::Result<()>> Write for Watch<F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.seen.push_str(std::str::from_utf8(bytes).unwrap());
        (self.then)(&self.seen)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn following_prints_what_comes_until_it_is_stopped() {
    let project = project(&[stdout(T0, "one")]);
    let path = project.path().to_owned();
    let stopper = std::sync::OnceLock::<Stopper>::new();
    let mut out = Watch {
        seen: String::new(),
        then: |seen: &str| {
            if seen.ends_with("one\n") {
                log(&path, &[stdout(T0 + 1, "two"), stdout(T0 + 24 * HOUR, "tomorrow")]);
            }
            if seen.ends_with("tomorrow\n") {
                stopper.get().unwrap().stop();
            }
            Ok(())
        },
    };
    let stop_on = |s| stopper.set(s).map_err(|_| io::ErrorKind::AlreadyExists.into());
    show(&args("dev -f"), project.path(), &mut out, PLAIN, T0, stop_on).unwrap();
    assert_eq!(
        out.seen,
        "01:00:00       [dev-1a2b3c4d] one\n01:00:00       [dev-1a2b3c4d] two\n── Saturday 2026-11-21 ──\n01:00:00       [dev-1a2b3c4d] tomorrow\n"
    );
}

#[test]
fn ctrl_c_ends_following() {
    use rustix::process::{Signal, getpid, kill_process};
    let project = project(&[stdout(T0, "one")]);
    let mut out = Vec::new();
    let interrupt = |stopper| {
        stop_on_signal(stopper)?;
        Ok(kill_process(getpid(), Signal::INT)?)
    };
    show(&args("dev -f"), project.path(), &mut out, PLAIN, T0, interrupt).unwrap();
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    let project = project(&story());
    let mut out =
        Watch { seen: String::new(), then: |_: &str| Err(io::ErrorKind::BrokenPipe.into()) };
    show(&args("dev -f"), project.path(), &mut out, PLAIN, T0, |_| Ok(())).unwrap();
}

#[test]
fn text_of_agents_cannot_drive_the_terminal() {
    let check = |text: &str, plain: &str, styled: &str| {
        for (sgr, expected) in [(false, plain), (true, styled)] {
            let mut out = String::new();
            safe(text, sgr, &mut out);
            assert_eq!(out, expected, "{text:?}");
        }
    };
    let same = |text: &str, clean: &str| check(text, clean, clean);
    check("a\u{1b}[1;31mb\u{1b}[mc", "abc", "a\u{1b}[1;31mb\u{1b}[mc\u{1b}[0m");
    same("a\u{1b}[2Jb\u{1b}[?1049hc\u{1b}[>4;2md", "abcd");
    same("a\u{1b}]8;;http://x\u{1b}\\link\u{1b}]8;;\u{7}b", "alinkb");
    same("a\u{1b}]0;never ends", "a");
    same("a\u{1b}Pq#0\u{1b}\\b\u{1b}(Bc\u{1b}7d\u{1b}", "abcd");
    same("a\u{9b}2Jb\u{9d}0;t\u{9c}c", "ab c".replace(' ', "").as_str());
    same("a\u{1b}[31", "a");
    same("a\rb\0c\u{7f}d\u{202e}e", "a^Mb^@c^?d<U+202E>e");
    same("a\u{61c}b\u{200f}c\u{85}d", "a<U+061C>b<U+200F>c<U+0085>d");
    same("a\tb\té", "a       b       é");
    same("é🦀 plain", "é🦀 plain");
}

/// A run of an agent with a model, and another beside it.
fn work() -> Vec<Record> {
    let at = |seconds: i64, level, msg: &str| {
        Record::new(T0 + seconds * 1000, level, "dev", msg).of("dev-1a2b3c4d")
    };
    let (debug, info) = (Level::Debug, Level::Info);
    let done = |record: Record, tool: &str, call: &str, ms: i64| {
        record.with("turn", 1).with("call", call).with("tool", tool).with("durationMs", ms)
    };
    let usage = |record: Record| {
        let record = record.with("inputTokens", 7_100).with("outputTokens", 240);
        record.with("cacheReadTokens", 12_000).with("cacheWriteTokens", 0)
    };
    let text = "I look at the failing test first, because it names the function that has to change.\n\n  - then I mend \u{1b}[31mit\u{1b}[0m and run everything once more, slowly and with care";
    let cut = "error[E0308]: mismatched types\n --> src/x.rs:3\n\u{1b}[2Jcleared";
    vec![
        at(0, info, "agent starting").with("engine", "builtin").with("models", json!(["sonnet"])),
        at(1, debug, "thinking").with(
            "text",
            "Where is it? \u{202e}Surely in the parser, where such things have always been found.",
        ),
        at(2, info, "assistant").with("text", text),
        at(3, debug, "tool start")
            .with("call", "c1")
            .with("tool", "read")
            .with("input", r#"{"path":"src/x.rs"}"#),
        at(3, debug, "tool start")
            .with("call", "c2")
            .with("tool", "bash")
            .with("input", r#"{"command":"cargo test"}"#),
        at(3, info, "bash").with("call", "c2").with("cmd", "cargo test"),
        Record::new(T0 + 3500, info, "dev", "bash")
            .of("dev-99999999")
            .with("call", "c1")
            .with("cmd", "sleep 100"),
        done(at(4, debug, "tool done"), "read", "c1", 12)
            .with("resultLength", 4_100)
            .with("result", "fn main() {}\n// end"),
        done(at(7, Level::Error, "tool error"), "bash", "c2", 3_612)
            .with("exit", 101)
            .with("cmd", "cargo test")
            .with("resultLength", 64)
            .with("result", cut),
        usage(
            at(8, info, "turn")
                .with("turn", 1)
                .with("model", "sonnet")
                .with("provider", "anthropic")
                .with("durationMs", 2_100)
                .with("stop", "calls")
                .with("costUsd", 0.0123),
        ),
        at(9, info, "operator").with("by", "ann").with("text", "leave the parser alone"),
        usage(
            Record::new(T0 + 10_000, info, "dev", "token-usage")
                .of("dev-1a2b3c4d")
                .with("cost", 0.0123)
                .with("turnCount", 1),
        ),
    ]
}

#[test]
fn an_agent_at_work_reads_like_a_conversation() {
    let project = project(&work());
    let wide = Style { width: Some(80), ..PLAIN };
    let colored = Style { color: true, ..wide };
    for (name, line, style) in [
        ("work", "dev", PLAIN),
        ("work_80_columns", "dev-1a2b3c4d", wide),
        ("work_all_in_colour", "dev-1a2b3c4d -a", colored),
    ] {
        let out = output(project.path(), line, style).unwrap();
        if style.width.is_some() {
            let plain = out.lines().filter(|line| !line.contains('␛'));
            assert!(plain.into_iter().all(|line| line.chars().count() <= 80), "{out}");
        }
        insta::assert_snapshot!(name, out);
    }
}

#[test]
fn tools_are_no_detail_for_people_and_stay_one_as_json() {
    let project = project(&work());
    let raw = output(project.path(), "dev --raw", PLAIN).unwrap();
    assert!(!raw.contains("tool start") && !raw.contains("tool done"), "{raw}");
}

#[test]
fn a_slow_tool_is_told_before_it_ends() {
    let (begin, end) = (&work()[6], rec(T0 + 103_500, "tool done").with("call", "c1"));
    let end =
        end.of("dev-99999999").with("tool", "bash").with("exit", 0).with("durationMs", 100_000);
    let (mut printer, mut out) = (Printer::new(PLAIN, true, T0), Vec::new());
    printer.print(begin, &mut out).unwrap();
    assert_eq!(printer.patience(T0 + 4_000), Some(Duration::from_millis(1_500)));
    printer.print_slow(T0 + 4_000, &mut out).unwrap();
    assert_eq!(out, b"");
    printer.print_slow(T0 + 6_000, &mut out).unwrap();
    printer.print_slow(T0 + 7_000, &mut out).unwrap();
    assert_eq!(printer.patience(T0 + 7_000), None);
    printer.print(&end, &mut out).unwrap();
    assert_eq!(
        String::from_utf8(out).unwrap(),
        "01:00:03 info  [dev-99999999] $ sleep 100  no end yet\n01:01:43 info  [dev-99999999] $ sleep 100  exit 0  1m40s\n"
    );
}

#[test]
fn what_a_run_has_used_is_told_when_it_did_not_come_to_say_so() {
    let check = |records: &[Record], expected: &str| {
        let (mut printer, mut out) = (Printer::new(PLAIN, false, T0), Vec::new());
        for record in records {
            printer.print(record, &mut Vec::new()).unwrap();
        }
        printer.print_used(&mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    };
    let work = work();
    let (turn, total) = (&work[9], &work[11]);
    let twice = "(total  2 turns  in 38.2k (24.0k cached) out 480  $0.0246)\n";
    check(&[turn.clone(), turn.clone()], twice);
    check(&[turn.clone(), total.clone()], "");
    check(&[rec(T0, "plain")], "");
}
