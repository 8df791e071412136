use super::*;
use crate::fixture::record;

fn look(theme: &Theme) -> Look<'_> {
    Look {
        time: TimeMode::Local,
        wrap: false,
        unfolded: false,
        gutter: Gutter::None,
        width: 40,
        left: 0,
        zone_offset: |_| 3_600,
        needle: "",
        marks: &[],
        theme,
    }
}

fn shown(record: &LogRecord, look: &Look<'_>) -> Vec<String> {
    rows(record, Some(record.at_ms - 1_500), look).iter().map(ToString::to_string).collect()
}

#[test]
fn a_record_reads_as_time_level_text_and_fields() {
    let theme = Theme::plain();
    let look = look(&theme);
    let mut record = record(0, LogLevel::Warn, "exit 101\n");
    record.fields.insert("tool".into(), "bash".into());
    assert_eq!(shown(&record, &look), ["13:03:43.000 W exit 101 tool=bash"]);
    assert_eq!(
        shown(&record, &Look { time: TimeMode::Utc, ..look }),
        ["12:03:43.000Z W exit 101 tool=bash"]
    );
    assert_eq!(
        shown(&record, &Look { time: TimeMode::Since, ..look }),
        ["   +1.5s W exit 101 tool=bash"]
    );
    assert_eq!(
        shown(&record, &Look { time: TimeMode::None, gutter: Gutter::Run, ..look }),
        ["W 000000b2 exit 101 tool=bash"]
    );
    assert_eq!(shown(&record, &Look { left: 5, ..look }), ["13:03:43.000 W 101 tool=bash"]);
    assert_eq!(story::plain(&record), "exit 101 tool=bash");
}

#[test]
fn only_the_unusual_stream_is_named() {
    let theme = Theme::plain();
    let mut record = record(0, LogLevel::Info, "hello");
    record.fields.insert("stream".into(), "stdout".into());
    assert_eq!(shown(&record, &look(&theme)), ["13:03:43.000 I hello"]);
    record.fields.insert("stream".into(), "stderr".into());
    assert_eq!(shown(&record, &look(&theme)), ["13:03:43.000 I hello stream=stderr"]);
}

#[test]
fn long_records_wrap_under_their_text_and_huge_ones_are_cut() {
    let theme = Theme::plain();
    let look = Look { wrap: true, width: 34, ..look(&theme) };
    let long = record(0, LogLevel::Info, "one two three four five six\nseven");
    assert_eq!(
        shown(&long, &look),
        ["13:03:43.000 I one two three four ", "               five six", "               seven"]
    );
    assert_eq!(height(&long, None, &look), 3);
    let huge = record(0, LogLevel::Info, &"x".repeat(20_000));
    let text = shown(&huge, &Look { wrap: false, ..look }).concat();
    assert!(text.ends_with("x [12 kB more, Enter shows all]"), "{}", &text[text.len() - 60..]);
}

#[test]
fn matches_stand_out_inside_coloured_text() {
    let (theme, _) =
        Theme::load("terminal", &crate::files::Files::default(), crate::theme::Depth::True)
            .unwrap();
    let look = Look { needle: "err", time: TimeMode::None, ..look(&theme) };
    let record = record(0, LogLevel::Info, "an \u{1b}[31mError\u{1b}[0m here");
    let spans: Vec<String> =
        rows(&record, None, &look)[0].spans.iter().map(|span| span.content.to_string()).collect();
    assert_eq!(spans, ["I", " ", "an ", "Err", "or", " here"]);
}

#[test]
fn the_output_of_a_tool_is_folded_until_it_is_asked_for() {
    let theme = Theme::plain();
    let folded = Look { time: TimeMode::None, ..look(&theme) };
    let mut record = record(0, LogLevel::Error, "tool error");
    let fields = serde_json::json!({"tool": "bash", "cmd": "ls x", "exit": 2, "durationMs": 12,
        "result": "no such\n\u{1b}[2Jfile\n"});
    record.fields = fields.as_object().unwrap().clone();
    let line = "E $ ls x  failed  exit 2  12ms";
    assert_eq!(shown(&record, &folded), [line]);
    let open = Look { unfolded: true, ..folded };
    assert_eq!(shown(&record, &open), [line, "  | no such", "  | file"]);
    assert_eq!(story::plain(&record), "$ ls x  failed  exit 2  12ms | no such file");
    for wrap in [false, true] {
        for look in [Look { wrap, ..folded }, Look { wrap, width: 12, ..open }] {
            assert_eq!(height(&record, None, &look), shown(&record, &look).len());
        }
    }
}
