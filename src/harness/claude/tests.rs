use serde_json::json;

use super::*;
use crate::harness::cli_engine::tests::{job, spec};

fn hear(lines: &[Value]) -> Vec<Heard> {
    let (mut claude, mut heard) = (Claude::default(), Vec::new());
    for line in lines {
        claude.line(line, &mut heard);
    }
    claude.end(&mut heard);
    heard
}

fn reply(id: &str, block: Value, output: u64) -> Value {
    json!({"type": "assistant", "parent_tool_use_id": null, "session_id": "s", "message": {
        "id": id, "type": "message", "role": "assistant", "model": "claude-sonnet-4-5",
        "content": [block], "stop_reason": null,
        "usage": {"input_tokens": 4, "cache_creation_input_tokens": 100,
            "cache_read_input_tokens": 2000, "output_tokens": output}}})
}

fn bash(id: &str) -> Value {
    json!({"type": "tool_use", "id": id, "name": "Bash", "input": {"command": "ls"}})
}

fn result_of(id: &str, content: Value, is_error: bool) -> Value {
    json!({"type": "user", "parent_tool_use_id": null, "message": {"role": "user", "content": [
        {"type": "tool_result", "tool_use_id": id, "content": content, "is_error": is_error}]}})
}

fn text_of(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

fn turn(output: u64, stop: Stop) -> Heard {
    let usage = Usage { input: 4, output, cache_read: 2000, cache_write: 100 };
    Heard::Turn { usage, stop: Some(stop) }
}

fn shell(id: &str) -> Heard {
    let (tool, input) = ("bash".to_owned(), r#"{"command":"ls"}"#.to_owned());
    Heard::ToolStart { call: id.to_owned(), tool, input, cmd: Some("ls".to_owned()) }
}

fn ended(id: &str, exit: Option<i32>, result: &str) -> Heard {
    let is_error = exit.is_some();
    Heard::ToolEnd { call: id.to_owned(), exit, is_error, result: result.to_owned() }
}

#[test]
fn a_reply_in_several_lines_is_one_turn() {
    let heard = hear(&[
        json!({"type": "system", "subtype": "init", "model": "claude-sonnet-4-5", "tools": []}),
        reply("m1", json!({"type": "thinking", "thinking": "hm", "signature": "x"}), 3),
        reply("m1", text_of("I look."), 3),
        reply("m1", bash("t1"), 3),
        result_of("t1", json!("Exit code 2\nno such file"), true),
        reply(
            "m2",
            json!({"type": "tool_use", "id": "t2", "name": "Read", "input": {"file_path": "a.rs"}}),
            7,
        ),
        result_of("t2", json!([{"type": "text", "text": "one"}, {"type": "image"}]), false),
        reply("m3", text_of("Done."), 9),
    ]);
    let read = Heard::ToolStart {
        call: "t2".to_owned(),
        tool: "read".to_owned(),
        input: r#"{"file_path":"a.rs"}"#.to_owned(),
        cmd: None,
    };
    let expected = [
        Heard::Thinking("hm".to_owned()),
        Heard::Text("I look.".to_owned()),
        shell("t1"),
        turn(3, Stop::Calls),
        ended("t1", Some(2), "Exit code 2\nno such file"),
        read,
        turn(7, Stop::Calls),
        ended("t2", None, "one"),
        Heard::Text("Done.".to_owned()),
        turn(9, Stop::End),
    ];
    assert_eq!(heard, expected);
}

#[test]
fn the_final_count_of_a_reply_stands_in_its_stream() {
    let event =
        |event: Value| json!({"type": "stream_event", "parent_tool_use_id": null, "event": event});
    let heard = hear(&[
        event(
            json!({"type": "message_start", "message": {"id": "m1", "usage": {"input_tokens": 4, "output_tokens": 1}}}),
        ),
        event(
            json!({"type": "content_block_delta", "delta": {"type": "text_delta", "text": "Do"}}),
        ),
        reply("m1", text_of("Done."), 1),
        event(
            json!({"type": "message_delta", "delta": {"stop_reason": "max_tokens"}, "usage": {"output_tokens": 480}}),
        ),
        event(json!({"type": "message_stop"})),
        // Late, and of a reply that was counted.
        reply("m1", bash("t1"), 1),
        result_of("t1", json!("ok"), false),
    ]);
    let expected = [
        Heard::Text("Done.".to_owned()),
        turn(480, Stop::Length),
        shell("t1"),
        ended("t1", None, "ok"),
    ];
    assert_eq!(heard, expected);
}

#[test]
fn sub_agents_replies_in_between_count_too() {
    let of = |mut line: Value, call: &str| {
        line["parent_tool_use_id"] = call.into();
        line
    };
    let heard = hear(&[
        reply("m1", bash("t1"), 1),
        of(reply("s1", text_of("a"), 2), "t1"),
        of(reply("s2", text_of("b"), 3), "t2"),
        of(reply("s1", text_of("c"), 2), "t1"),
    ]);
    let turns = heard.iter().filter(|heard| matches!(heard, Heard::Turn { .. })).count();
    assert_eq!(turns, 3);
}

fn last(line: Value) -> Vec<Heard> {
    hear(&[line])
}

#[test]
fn the_result_has_the_sum_in_every_version() {
    let sum = |usage, cost_micros| Heard::Sum { usage, cost_micros };
    let usage =
        |input, output, cache_read, cache_write| Usage { input, output, cache_read, cache_write };
    let check = |line: Value, expected: Heard| {
        assert_eq!(last(line.clone()), [expected, Heard::Done("ok".to_owned())], "{line}");
    };
    let head =
        || json!({"type": "result", "subtype": "success", "is_error": false, "result": "ok"});
    let with = |more: Value| {
        let mut line = head();
        line.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        line
    };
    check(
        with(json!({"total_cost_usd": 0.0371, "usage": {"input_tokens": 12, "output_tokens": 34,
            "cache_read_input_tokens": 5, "cache_creation_input_tokens": 6}})),
        sum(usage(12, 34, 5, 6), Some(37_100)),
    );
    check(
        with(json!({"total_cost_usd": 1.5, "usage": {"input_tokens": 1, "output_tokens": 1},
            "modelUsage": {
                "claude-sonnet-4-5": {"inputTokens": 10, "outputTokens": 20, "cacheReadInputTokens": 30,
                    "cacheCreationInputTokens": 40, "costUSD": 1.4},
                "claude-haiku-4-5": {"inputTokens": 1, "outputTokens": 2, "costUSD": 0.1}}})),
        sum(usage(11, 22, 30, 40), Some(1_500_000)),
    );
    check(with(json!({"cost_usd": 0.02, "duration_ms": 5})), sum(Usage::default(), Some(20_000)));
    check(with(json!({"total_cost": 0.01})), sum(Usage::default(), Some(10_000)));
    check(head(), sum(Usage::default(), None));
}

#[test]
fn failures_have_a_kind() {
    let check = |before: Option<&str>, line: Value, kind: Kind, message: &str| {
        let mut lines = Vec::new();
        if let Some(error) = before {
            let mut synthetic = reply("x", text_of("error"), 0);
            synthetic["message"]["model"] = "<synthetic>".into();
            synthetic["error"] = error.into();
            lines.push(synthetic);
        }
        lines.push(line);
        let heard = hear(&lines);
        let message = message.to_owned();
        assert_eq!(heard.last(), Some(&Heard::Failed(Failed { kind, message })));
        assert!(!heard.iter().any(|heard| matches!(heard, Heard::Turn { .. })));
    };
    let error = |said: &str| json!({"type": "result", "subtype": "success", "is_error": true, "result": said});
    let login = "Invalid API key · Please run /login";
    check(Some("authentication_failed"), error(login), Kind::Auth, login);
    check(Some("rate_limit"), error("limit reached"), Kind::Limited, "limit reached");
    check(
        None,
        error("API Error: 429 {\"type\":\"error\"}"),
        Kind::Limited,
        "API Error: 429 {\"type\":\"error\"}",
    );
    check(None, error("API Error: 529 Overloaded"), Kind::Unavailable, "API Error: 529 Overloaded");
    check(None, error("API Error: Request timed out"), Kind::Other, "API Error: Request timed out");
    check(
        None,
        json!({"type": "result", "subtype": "success", "is_error": true, "api_error_status": 401, "result": "no"}),
        Kind::Auth,
        "no",
    );
    check(
        None,
        json!({"type": "result", "subtype": "error_max_turns", "is_error": true}),
        Kind::Turns,
        "error max turns",
    );
    check(
        None,
        json!({"type": "result", "subtype": "error_during_execution", "errors": ["spawn failed"]}),
        Kind::Other,
        "spawn failed",
    );
}

#[test]
fn what_is_unknown_says_nothing() {
    let lines = [
        json!({"type": "rate_limit_event", "rate_limit_info": {}}),
        json!({"type": "system", "subtype": "compact_boundary"}),
        json!({"type": "assistant"}),
        json!({"type": "user", "message": {"content": "a text"}}),
        json!({"message": 3}),
        json!({}),
    ];
    let told: Vec<Heard> = hear(&lines);
    assert!(told.iter().all(|heard| matches!(heard, Heard::Turn { .. })), "{told:?}");
}

#[test]
fn it_gets_the_key_it_needs_and_no_secret_in_its_arguments() {
    let check = |auth: Auth, base_url: Option<&str>, expected: &[(&str, &str)]| {
        let base_url = base_url.map(str::to_owned);
        let job = job(vec![ModelSpec { auth, base_url, ..spec("anthropic") }]);
        let got = invocation(&job, "system", "user").unwrap();
        let keys: Vec<_> = got
            .env
            .iter()
            .filter(|(n, _)| n.contains('C'))
            .map(|(n, v)| (*n, v.as_str()))
            .collect();
        assert_eq!(keys, expected);
        assert!(!got.args.iter().any(|arg| arg.contains("s3cret")));
        assert_eq!(got.stdin, "user");
    };
    let key = || Auth::Key("s3cret".to_owned());
    let token = || Auth::Bearer("s3cret".to_owned());
    let url = "http://127.0.0.1:1";
    check(key(), None, &[("ANTHROPIC_API_KEY", "s3cret")]);
    check(token(), None, &[("CLAUDE_CODE_OAUTH_TOKEN", "s3cret")]);
    check(token(), Some(url), &[("ANTHROPIC_BASE_URL", url), ("ANTHROPIC_AUTH_TOKEN", "s3cret")]);
    check(Auth::None, Some(url), &[("ANTHROPIC_BASE_URL", url)]);
}

#[test]
fn a_system_prompt_too_long_for_an_argument_stands_before_the_users() {
    let long = "x".repeat(200 * 1024);
    let got = invocation(&job(vec![]), &long, "user").unwrap();
    assert!(got.args.iter().all(|arg| arg.len() < 1000));
    assert_eq!(got.stdin, format!("{long}\n\nuser"));
    let other = invocation(&job(vec![spec("openai")]), "system", "user").unwrap_err();
    assert!(other.contains("asks models of anthropic and this agent has m (openai)"), "{other}");
}
