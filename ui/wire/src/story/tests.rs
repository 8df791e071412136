use serde_json::json;

use super::*;

/// Head and notes of a record, with a bar in between.
fn words(msg: &str, fields: &Value) -> Option<String> {
    let fields = fields.as_object().unwrap();
    told(msg, fields).map(|told| format!("{} | {}", told.head, told.notes))
}

#[test]
fn records_of_an_agent_read_like_a_story() {
    let check = |msg: &str, fields: Value, expected: &str| {
        assert_eq!(words(msg, &fields).as_deref(), Some(expected), "{msg} {fields}");
        let keys = told(msg, fields.as_object().unwrap()).unwrap().fields;
        assert!(fields.as_object().unwrap().keys().all(|key| keys.contains(&key.as_str())));
    };
    check(
        "agent starting",
        json!({"agent": "dev", "engine": "builtin", "models": ["sonnet", "gpt"]}),
        "agent starts | engine builtin  models sonnet, gpt",
    );
    check(
        "assistant",
        json!({"turn": 1, "text": "I look.\nThen I act."}),
        "I look.\nThen I act. | ",
    );
    check("thinking", json!({"turn": 1, "text": "hm"}), "thinks: hm | ");
    check("attempt 2 started (cron)", json!({"attempt": 2}), "-- attempt 2 started (cron) -- | ");
    check("operator", json!({"turn": 1, "by": "ann", "text": "stop"}), "ann says: stop | ");
    check("bash", json!({"turn": 1, "call": "c1", "cmd": "ls"}), "$ ls | ");
    check("bash", json!({"cmd": "ls"}), "$ ls | ");
    check(
        "tool start",
        json!({"turn": 1, "call": "c2", "tool": "read", "input": r#"{"path":"src/x.rs","offset":3}"#}),
        "read src/x.rs | ",
    );
    check(
        "tool done",
        json!({"turn": 1, "call": "c1", "tool": "bash", "durationMs": 3612, "exit": 0, "resultLength": 1234, "result": "ok"}),
        "bash | exit 0  3.6s  1.2 kB",
    );
    check("tool done", json!({"tool": "read"}), "read | ");
    check(
        "tool error",
        json!({"turn": 1, "call": "c1", "tool": "bash", "cmd": "ls", "durationMs": 12, "exit": 2, "resultLength": 0, "result": ""}),
        "$ ls | failed  exit 2  12ms",
    );
    check(
        "turn",
        json!({"turn": 5, "model": "sonnet", "provider": "anthropic", "durationMs": 2100, "stop": "calls",
        "inputTokens": 7100, "outputTokens": 240, "cacheReadTokens": 12000, "cacheWriteTokens": 0,
        "totalTokens": 19340, "costUsd": 0.0123}),
        "turn 5 | sonnet  in 19.1k (12.0k cached) out 240  $0.0123  2.1s",
    );
    check(
        "turn",
        json!({"turn": 6, "model": "local", "stop": "length", "inputTokens": 7, "outputTokens": 240}),
        "turn 6 | local  in 7 out 240  cut at its longest length",
    );
    check(
        "token-usage",
        json!({"inputTokens": 1, "outputTokens": 2, "cacheReadTokens": 0, "cacheWriteTokens": 0,
        "totalTokens": 3, "cost": 1.5, "turnCount": 1}),
        "total | 1 turn  in 1 out 2  $1.50",
    );
}

#[test]
fn other_records_are_not_told() {
    for (msg, fields) in [
        ("assistant", json!({})),
        ("turn", json!({"turn": "left"})),
        ("bash", json!({"cmd": 3})),
        ("tool done", json!({})),
        ("token-usage", json!({"cost": 1})),
        ("agent starting", json!({})),
        ("hello", json!({"text": "x"})),
    ] {
        assert_eq!(words(msg, &fields), None, "{msg} {fields}");
    }
}

#[test]
fn a_call_is_told_by_what_tells_it_from_others_also_when_its_input_is_cut() {
    let check = |tool: &str, input: &str, expected: &str| assert_eq!(call(tool, input), expected);
    check("bash", r#"{"command":"ls -la","timeout":3}"#, "$ ls -la");
    check("write", r#"{"path":"a \"b\".rs","content":"xxxx… [9000 bytes cut]"#, "write a \"b\".rs");
    check("bash", r#"{"command":"echo one… [90 bytes cut]"#, "$ echo one…");
    check("bash", r#"{"command":"echo\nmore… [90 bytes cut]"#, "$ echo…");
    check("grep", r#"{"pattern":"fn main","path":"src"}"#, "grep fn main");
    check("ls", "{}", "ls");
    check("gh__get", "not json", "gh__get");
    check("x", r#"{"path":"#, "x");
    check("x", r#"{"path":3,"#, "x");
}

#[test]
fn figures_are_short() {
    for (n, text) in
        [(0, "0"), (999, "999"), (1_000, "1.0k"), (19_149, "19.1k"), (2_500_000, "2.5M")]
    {
        assert_eq!(tokens(n), text);
    }
    for (dollars, text) in [(0.0, "$0.00"), (0.0123, "$0.0123"), (1.899, "$1.90")] {
        assert_eq!(cost(dollars), text);
    }
}

#[test]
fn a_huge_record_is_cut_at_a_character() {
    let raw = "é".repeat(LONGEST);
    let (kept, cut) = head(&raw);
    assert_eq!((kept.len(), cut), (LONGEST, LONGEST));
    assert_eq!(head(&format!("x{raw}")).0.len(), LONGEST - 1);
}
