use serde_json::json;

use super::*;
use crate::harness::cli_engine::tests::{job, spec};
use crate::llm::{Auth, ModelSpec};

fn hear(lines: &[Value]) -> Vec<Heard> {
    let (mut codex, mut heard) = (Codex::default(), Vec::new());
    for line in lines {
        codex.line(line, &mut heard);
    }
    codex.end(&mut heard);
    heard
}

fn text_of(text: &str) -> Heard {
    Heard::Text(text.to_owned())
}

fn shell(call: &str, input: &str) -> Heard {
    let cmd = Some("ls -la".to_owned());
    Heard::ToolStart {
        call: call.to_owned(),
        tool: "bash".to_owned(),
        input: input.to_owned(),
        cmd,
    }
}

fn ended(call: &str, exit: Option<i32>, is_error: bool, result: &str) -> Heard {
    Heard::ToolEnd { call: call.to_owned(), exit, is_error, result: result.to_owned() }
}

fn turn(input: u64, cache_read: u64, output: u64) -> Heard {
    let usage = Usage { input, output, cache_read, cache_write: 0 };
    Heard::Turn { usage, stop: Some(Stop::End) }
}

#[test]
fn events_of_today_are_understood() {
    let heard = hear(&[
        json!({"type": "thread.started", "thread_id": "0199"}),
        json!({"type": "turn.started"}),
        json!({"type": "item.completed", "item": {"id": "item_0", "type": "reasoning", "text": "**Looking**"}}),
        json!({"type": "item.started", "item": {"id": "item_1", "type": "command_execution",
            "command": "/bin/bash -lc 'ls -la'", "aggregated_output": "", "exit_code": null, "status": "in_progress"}}),
        json!({"type": "item.completed", "item": {"id": "item_1", "type": "command_execution",
            "command": "/bin/bash -lc 'ls -la'", "aggregated_output": "a\n", "exit_code": 2, "status": "failed"}}),
        json!({"type": "item.completed", "item": {"id": "item_2", "type": "file_change",
            "changes": [{"path": "a.rs", "kind": "update"}], "status": "completed"}}),
        json!({"type": "item.updated", "item": {"id": "item_3", "type": "todo_list", "items": []}}),
        json!({"type": "item.started", "item": {"id": "item_4", "type": "mcp_tool_call", "server": "gh", "tool": "get", "arguments": {"n": 1}, "status": "in_progress"}}),
        json!({"type": "item.completed", "item": {"id": "item_4", "type": "mcp_tool_call", "server": "gh", "tool": "get",
            "result": {"content": [{"type": "text", "text": "found"}]}, "status": "completed"}}),
        json!({"type": "item.completed", "item": {"id": "item_5", "type": "agent_message", "text": "Done."}}),
        json!({"type": "turn.completed", "usage": {"input_tokens": 1200, "cached_input_tokens": 200, "output_tokens": 345}}),
    ]);
    let tool = |call: &str, tool: &str, input: &str| Heard::ToolStart {
        call: call.to_owned(),
        tool: tool.to_owned(),
        input: input.to_owned(),
        cmd: None,
    };
    let expected = [
        Heard::Thinking("**Looking**".to_owned()),
        shell("item_1", r#"{"command":"ls -la"}"#),
        ended("item_1", Some(2), true, "a\n"),
        tool("item_2", "edit", r#"{"path":"a.rs","files":1}"#),
        ended("item_2", None, false, r#"[{"path":"a.rs","kind":"update"}]"#),
        tool("item_4", "gh__get", r#"{"n":1}"#),
        ended("item_4", None, false, "found"),
        text_of("Done."),
        turn(1000, 200, 345),
        Heard::Done("Done.".to_owned()),
    ];
    assert_eq!(heard, expected);
}

#[test]
fn messages_of_older_versions_are_understood() {
    let msg = |msg: Value| json!({"id": "0", "msg": msg});
    let heard = hear(&[
        json!({"model": "gpt-5-codex", "provider": "openai", "workdir": "/w"}),
        json!({"prompt": "do it"}),
        msg(json!({"type": "task_started", "model_context_window": 1})),
        msg(json!({"type": "agent_reasoning", "text": "hm"})),
        msg(
            json!({"type": "exec_command_begin", "call_id": "c1", "command": ["bash", "-lc", "ls -la"], "cwd": "/w"}),
        ),
        msg(
            json!({"type": "exec_command_end", "call_id": "c1", "stdout": "a\n", "stderr": "b", "exit_code": 0}),
        ),
        msg(json!({"type": "token_count", "info": null})),
        msg(
            json!({"type": "token_count", "info": {"total_token_usage": {"input_tokens": 10, "cached_input_tokens": 4, "output_tokens": 3}}}),
        ),
        msg(json!({"type": "agent_message", "message": "Done."})),
        msg(
            json!({"type": "token_count", "info": {"total_token_usage": {"input_tokens": 30, "cached_input_tokens": 14, "output_tokens": 8}}}),
        ),
        msg(json!({"type": "task_complete", "last_agent_message": "Done."})),
    ]);
    let expected = [
        Heard::Thinking("hm".to_owned()),
        shell("c1", r#"["bash","-lc","ls -la"]"#),
        ended("c1", Some(0), false, "a\nb"),
        turn(6, 4, 3),
        text_of("Done."),
        turn(10, 10, 5),
        Heard::Done("Done.".to_owned()),
    ];
    assert_eq!(heard, expected);
    let first = hear(&[
        json!({"type": "item.completed", "item": {"id": "i", "item_type": "assistant_message", "text": "Hi"}}),
    ]);
    assert_eq!(first, [text_of("Hi")]);
}

#[test]
fn failures_have_a_kind_and_a_complaint_is_none_while_it_goes_on() {
    let check = |message: &str, kind: Kind| {
        let told = Heard::Failed(Failed { kind, message: message.to_owned() });
        let failed = json!({"type": "turn.failed", "error": {"message": message}});
        assert_eq!(hear(&[failed]), std::slice::from_ref(&told));
        let error = json!({"type": "error", "message": message});
        assert_eq!(hear(&[error]).last(), Some(&told));
    };
    check("unexpected status 401 Unauthorized: Missing bearer", Kind::Auth);
    check("exceeded retry limit, last status: 429 Too Many Requests", Kind::Limited);
    check("You've hit your usage limit. Try again later.", Kind::Limited);
    check("unexpected status 503 Service Unavailable", Kind::Unavailable);
    check("stream disconnected before completion", Kind::Unavailable);
    check("the status is grim", Kind::Other);
    check("what is this", Kind::Other);
    let heard = hear(&[
        json!({"type": "error", "message": "Reconnecting... 1/5"}),
        json!({"type": "turn.completed", "usage": {}}),
    ]);
    assert_eq!(heard.last(), Some(&Heard::Done(String::new())));
}

#[test]
fn it_gets_the_key_and_its_commands_do_not() {
    let model = ModelSpec {
        auth: Auth::Key("s3cret".to_owned()),
        base_url: Some("http://127.0.0.1:1/v1".to_owned()),
        thinking: Some(Thinking::High),
        ..spec("openai")
    };
    let got = invocation(&job(vec![model]), "system", "user").unwrap();
    assert_eq!(got.env, KEYS.map(|name| (name, "s3cret".to_owned())));
    insta::assert_snapshot!(got.args.join("\n"));
    assert_eq!(got.stdin, "system\n\nuser");
}

#[test]
fn commands_are_shown_without_the_shell_around_them() {
    let check = |value: Value, expected: &str| assert_eq!(command(&value), expected);
    check(json!("bash -lc 'ls -la'"), "ls -la");
    check(json!("/usr/bin/zsh -lc \"ls\""), "ls");
    check(json!("bash -lc 'echo '\"'\"'a'"), "'echo '\"'\"'a'");
    check(json!("ls -la"), "ls -la");
    check(json!(["ls", "-la"]), "ls -la");
    check(json!(["bash", "-c", "a | b"]), "a | b");
}
