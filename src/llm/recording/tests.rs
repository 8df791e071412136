use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, json};

use super::*;
use crate::llm::tests::{ask, asked_by};
use crate::llm::{
    Arguments, Call, CallResult, Fault, FaultKind, Model, Part, Reply, Request, Stop, Usage,
};

fn written(text: &str) -> (tempfile::TempDir, Result<Replay, Fault>) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("it.jsonl");
    fs::write(&path, text).unwrap();
    let replay = Replay::open(&path);
    (dir, replay)
}

fn user(text: &str) -> Message {
    Message::User(text.to_owned())
}

fn results(of: &[&str]) -> Message {
    let result = |tool: &&str| CallResult {
        id: String::new(),
        tool: (*tool).to_owned(),
        text: "whatever".to_owned(),
        is_error: false,
    };
    Message::Results(of.iter().map(result).collect())
}

fn request(messages: &[Message]) -> Request {
    Request { messages: messages.to_vec(), ..Request::default() }
}

#[test]
fn a_recording_by_hand_needs_little() {
    let text = r#"
        // A look around.
        {"recording": 1}
        {"reply": ["Let me look.", {"call": "bash", "arguments": {"command": "ls"}}]}

        {"reply": "Done.", "usage": {"input": 5}}
        {"reply": [{"thinking": "hm"}, {"call": "ls"}, {"call": "ls", "malformed": "{"}], "stop": "length"}
        {"fault": "overloaded", "retryAfterMs": 5}
    "#;
    let (_dir, replay) = written(text);
    let replay = replay.unwrap();
    let call = |id: &str, tool: &str, arguments| {
        let (id, tool) = (id.to_owned(), tool.to_owned());
        Part::Call(Call { id, tool, arguments, signature: None })
    };
    let ls = Map::from_iter([("command".to_owned(), json!("ls"))]);
    let none = Usage::default();
    let mut heard = Vec::new();

    let first = ask(&replay, &request(&[user("go")]), &mut heard).unwrap();
    let parts =
        vec![Part::Text("Let me look.".to_owned()), call("call_4_1", "bash", Arguments::Valid(ls))];
    assert_eq!(first, Reply { parts, stop: Stop::Calls, usage: none });
    assert_eq!(heard, ["Let me look."]);

    let second = asked_by(&replay, &request(&[])).unwrap();
    let parts = vec![Part::Text("Done.".to_owned())];
    assert_eq!(second, Reply { parts, stop: Stop::End, usage: Usage { input: 5, ..none } });

    let third = asked_by(&replay, &request(&[])).unwrap();
    let parts = vec![
        Part::Thinking { text: "hm".to_owned(), signature: None },
        call("call_7_1", "ls", Arguments::Valid(Map::new())),
        call("call_7_2", "ls", Arguments::Malformed("{".to_owned())),
    ];
    assert_eq!(third, Reply { parts, stop: Stop::Length, usage: none });

    let fault = asked_by(&replay, &request(&[])).unwrap_err();
    assert_eq!((fault.kind, fault.retry_after_ms), (FaultKind::Overloaded, Some(5)));

    let end = asked_by(&replay, &request(&[])).unwrap_err();
    assert_eq!(end.kind, FaultKind::Setup);
    assert!(end.message.ends_with("is at its end after 4 replies; the run goes on"), "{end}");
}

#[test]
fn what_is_wrong_with_a_recording_is_said_with_its_line() {
    let check = |text: &str, expected: &str| {
        let (dir, replay) = written(text);
        let fault = replay.expect_err(text);
        assert_eq!(fault.kind, FaultKind::Setup);
        let place = format!("recording {}", dir.path().join("it.jsonl").display());
        let message = fault.message.strip_prefix(&place).unwrap_or(&fault.message);
        assert!(message.starts_with(expected), "{text}: {message}");
    };
    check("", ":1: it begins with {\"recording\": 1}");
    check("{\"reply\": \"x\"}", ":1: it begins with {\"recording\": 1}");
    check("{\"recording\": 2}", ":1: its version, 2, is newer than this program; update it");
    check("{\"recording\": 1}\n\n{\"reply\"", ":3: no JSON");
    check("{\"recording\": 1}\n{\"answer\": 1}", ":2: neither a `request`, nor a `reply`");
    check("{\"recording\": 1}\n{\"reply\": \"x\", \"stopp\": 1}", ":2: unknown field `stopp`");
    check("{\"recording\": 1}\n{\"fault\": \"tired\"}", ":2: unknown variant `tired`");
    check("{\"recording\": 1}\n{\"recording\": 1}", ":2: a second beginning");
    let part = "{\"recording\": 1}\n{\"reply\": [{\"say\": \"x\"}]}";
    check(part, ":2: a part of the reply is neither a text, nor `text`, `thinking` or `call`");
    let nowhere = Replay::open(Path::new("/nowhere/it.jsonl")).unwrap_err();
    assert!(nowhere.message.starts_with("recording /nowhere/it.jsonl: cannot be read"));
}

#[test]
fn a_replay_notices_when_the_run_goes_another_way() {
    let text = r#"{"recording": 1}
        {"request": {"messages": [{"role": "user", "content": "go"}]}}
        {"reply": [{"call": "bash"}, {"call": "read"}]}
        {"request": {"kept": 1, "messages": [{"role": "assistant", "content": []}, {"role":
        "results", "content": [{"id": "1", "tool": "bash", "text": "", "is_error": true},
        {"id": "2", "tool": "read", "text": "", "is_error": false}]}]}}
        {"reply": "Done."}"#
        .replace("\n        \"results", " \"results")
        .replace("\n        {\"id\"", " {\"id\"");
    let reply = Message::Assistant(Vec::new());

    let (_dir, replay) = written(&text);
    let replay = replay.unwrap();
    asked_by(&replay, &request(&[user("another word")])).unwrap();
    let goes_on = [user("another word"), reply.clone(), results(&["bash", "read"])];
    asked_by(&replay, &request(&goes_on)).unwrap();

    let (_dir, replay) = written(&text);
    let replay = replay.unwrap();
    asked_by(&replay, &request(&[user("go")])).unwrap();
    let strays = [user("go"), reply, results(&["bash"]), user("stop")];
    let fault = asked_by(&replay, &request(&strays)).unwrap_err();
    let expected = ":5: the run goes another way: it sends a reply; results of bash; a message, \
                    and the recording has a reply; results of bash, read here";
    assert!(fault.message.ends_with(expected), "{fault}");
}

#[test]
fn what_is_recorded_is_played_back_without_the_secrets() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("new.jsonl");
    let clean: Clean = Arc::new(|text| text.replace("sec\"ret\n", "***"));
    let recording = Recording::create(&path, clean.clone()).unwrap();
    let again = Recording::create(&path, clean).err().unwrap();
    assert!(again.message.contains("File exists"), "{again}");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);

    let text = r#"{"recording": 1}
        {"fault": "overloaded", "status": 529}
        {"reply": ["sec\"ret\n here", {"call": "bash", "arguments": {"command": "sec\"ret\n"}}]}
        {"reply": [{"thinking": "hm", "signature": "s"}, "Done."]}"#;
    let (_dir, original) = written(text);
    let original = Arc::new(original.unwrap());
    let (first, second) = (
        recording.of("first", Box::new(Shared(original.clone()))),
        recording.of("second", Box::new(Shared(original))),
    );
    let mut so_far = request(&[user("go")]);
    so_far.system = "be good".to_owned();
    assert_eq!(asked_by(&*first, &so_far).unwrap_err().kind, FaultKind::Overloaded);
    let called = asked_by(&*second, &so_far).unwrap();
    so_far.messages.extend([Message::Assistant(called.parts), results(&["bash"])]);
    let done = asked_by(&*second, &so_far).unwrap();
    assert_eq!(recording.problem(), None);

    let kept = fs::read_to_string(&path).unwrap();
    assert!(!kept.contains("sec\\\"ret"), "{kept}");
    assert_eq!(kept.matches("be good").count(), 1, "{kept}");
    assert_eq!(kept.matches("\"go\"").count(), 1, "{kept}");

    // As one model, to which nothing bad happened.
    let replay = Replay::open(&path).unwrap();
    let first = asked_by(&replay, &request(&[user("go")])).unwrap();
    assert_eq!(first.parts.first(), Some(&Part::Text("*** here".to_owned())));
    let goes_on = [user("go"), Message::Assistant(first.parts), results(&["bash"])];
    assert_eq!(asked_by(&replay, &request(&goes_on)).unwrap(), done);
}

/// One recording, played by two models.
struct Shared(Arc<Replay>);

impl Model for Shared {
    fn ask<'a>(
        &'a self,
        request: &'a Request,
        hear: crate::llm::Hear<'a>,
    ) -> crate::llm::Answer<'a> {
        self.0.ask(request, hear)
    }
}
