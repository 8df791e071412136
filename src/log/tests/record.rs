use proptest::prelude::*;
use serde_json::json;

use super::super::*;

const T0: i64 = 1_795_132_800_000;

fn origin() -> Origin {
    Origin { name: "dev".into(), instance: "dev-1a2b3c4d".into() }
}

fn text(msg: &str, level: Level, stream: &str) -> Record {
    Record::new(T0, level, "dev", msg).of("dev-1a2b3c4d").with("stream", stream)
}

#[test]
fn a_line_looks_like_pinos() {
    let record = Record::new(T0, Level::Warn, "dev", "slow\tand \u{1b}[31mred\u{9b}\0")
        .of("dev-1a2b3c4d")
        .with("ms", 12)
        .with("level", "not this one");
    let line = r#"{"level":40,"time":1795132800000,"name":"dev","instance":"dev-1a2b3c4d","msg":"slow\tand \u001b[31mred\u009b\u0000","ms":12}"#;
    assert_eq!(record.to_line(), line);
}

proptest! {
    #[test]
    fn records_survive_their_line(msg in any::<String>(), key in "[a-z]{6,9}", value in any::<String>(),
                                  level in 0..5usize, time in 1..4_000_000_000_000i64, run in any::<bool>()) {
        let mut record = Record::new(time, Level::ALL[level], "dev", msg).with(key, json!({"deep": [value]}));
        if run {
            record = record.of("dev-1a2b3c4d");
        }
        let line = record.to_line();
        prop_assert!(!line.chars().any(char::is_control));
        prop_assert_eq!(Record::from_line(line.as_bytes()), record);
    }

    #[test]
    fn any_bytes_are_some_record(line in prop::collection::vec(any::<u8>(), 0..200)) {
        let read = Record::from_line(&line);
        prop_assert_eq!(Record::from_line(read.to_line().as_bytes()), read);
        from_output(&line, Stream::Stdout, &origin(), T0);
    }
}

#[test]
fn foreign_lines_keep_their_text() {
    for line in
        ["hello", "{\"level\":30", "[1]", "{\"a\":1}", "{\"level\":30,\"time\":1,\"msg\":{}}"]
    {
        assert_eq!(Record::from_line(line.as_bytes()), Record::new(0, Level::Info, "", line));
    }
    let pino = br#"{"level":60,"time":5,"pid":7,"hostname":"h","name":"dev","msg":"fatal"}"#;
    let expected =
        Record::new(5, Level::Error, "dev", "fatal").with("pid", 7).with("hostname", "h");
    assert_eq!(Record::from_line(pino), expected);
}

#[test]
fn what_a_run_prints_becomes_records() {
    let check = |line: &[u8], stream, expected: Record| {
        assert_eq!(from_output(line, stream, &origin(), T0), expected);
    };
    check(b"hello", Stream::Stdout, text("hello", Level::Info, "stdout"));
    check(b"hello\r", Stream::Stderr, text("hello", Level::Warn, "stderr"));
    check(b"\xff\0", Stream::Stdout, text("\u{fffd}\0", Level::Info, "stdout"));
    check(br#"{"level":"info","msg":"no _log"}"#, Stream::Stdout, {
        text(r#"{"level":"info","msg":"no _log"}"#, Level::Info, "stdout")
    });
    let told =
        Record::new(T0 - 5, Level::Error, "dev", "bash").of("dev-1a2b3c4d").with("cmd", "ls");
    check(
        format!(r#"{{"_log":true,"level":"error","msg":"bash","cmd":"ls","ts":{}}}"#, T0 - 5)
            .as_bytes(),
        Stream::Stdout,
        told,
    );
    // What it says about who and when it is, is not believed when it cannot be.
    let liar = Record::new(T0, Level::Info, "dev", "x")
        .of("dev-1a2b3c4d")
        .with("ts", 5)
        .with("name_", "scheduler")
        .with("instance_", "ops-00000000");
    check(
        br#"{"_log":true,"msg":"x","ts":5,"name":"scheduler","instance":"ops-00000000"}"#,
        Stream::Stdout,
        liar,
    );
}

#[test]
fn long_lines_are_cut_with_a_count_between_characters() {
    let line = "é".repeat(40_000) + "x";
    let record = from_output(line.as_bytes(), Stream::Stdout, &origin(), T0);
    let expected = format!("{}… [{} bytes cut]", "é".repeat(32_768), 14_465);
    assert!(record.msg == expected, "{}", &record.msg[record.msg.len() - 40..]);
}

#[test]
fn a_stream_is_cut_into_lines_wherever_it_was_read() {
    let input = format!("one\n\n{}\ntwo\r\nlast", "y".repeat(100_000));
    let all = |chunk: usize| {
        let mut output = Output::new(origin(), Stream::Stdout, Redactor::default());
        let mut records = Vec::new();
        input.as_bytes().chunks(chunk).for_each(|c| output.feed(c, T0, &mut records));
        output.finish(T0, &mut records);
        records
    };
    let cut = format!("{}… [{} bytes cut]", "y".repeat(MAX_LINE_BYTES), 100_000 - MAX_LINE_BYTES);
    let lines = ["one", "", &cut, "two", "last"];
    let expected: Vec<_> = lines.iter().map(|l| text(l, Level::Info, "stdout")).collect();
    for chunk in [1, 3, 1000, 65_536, 1_000_000] {
        assert!(all(chunk) == expected, "in pieces of {chunk}");
    }
}

#[test]
fn the_console_gets_the_same_record() {
    let record = text("hi", Level::Warn, "stderr");
    let wire = al_wire::LogRecord {
        at_ms: T0,
        level: al_wire::LogLevel::Warn,
        name: "dev".into(),
        run: Some("dev-1a2b3c4d".into()),
        msg: "hi".into(),
        place: None,
        fields: record.fields.clone(),
    };
    assert_eq!(al_wire::LogRecord::from(record), wire);
}
