use std::os::unix::fs::MetadataExt;

use serde_json::json;

use super::*;
use crate::llm::CallResult;

fn asks(model: &dyn Model, messages: &[Message]) -> Result<Reply, Fault> {
    let request = Request { messages: messages.to_vec(), ..Request::default() };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(model.ask(&request, &mut |_| {}))
}

fn played(lines: &str) -> Result<Replay, Fault> {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("r.jsonl");
    fs::write(&file, lines).unwrap();
    Replay::open(&file)
}

fn user(text: &str) -> Message {
    Message::User(text.into())
}

fn results(tool: &str) -> Message {
    Message::Results(vec![CallResult {
        id: "1".into(),
        tool: tool.into(),
        text: "anything".into(),
        is_error: false,
    }])
}

fn spec() -> ModelSpec {
    serde_json::from_value(json!({"name": "m", "provider": "custom", "model": "big"})).unwrap()
}

#[test]
fn a_recording_by_hand_needs_only_what_the_model_says() {
    let model = played(
        "{\"text\": \"I look.\", \"calls\": [{\"tool\": \"ls\"}]}\n\n{\"text\": \"Nothing.\"}\n",
    )
    .unwrap();
    let mut conversation = vec![user("do it")];
    let first = asks(&model, &conversation).unwrap();
    assert_eq!((first.stop, first.text().as_str()), (Stop::Calls, "I look."));
    let call = first.calls().next().unwrap();
    assert_eq!((call.id.as_str(), &call.arguments), ("call_1_0", &Arguments::Valid(Map::new())));
    conversation.extend([Message::Assistant(first.parts), results("ls")]);
    let second = asks(&model, &conversation).unwrap();
    assert_eq!((second.stop, second.text().as_str()), (Stop::End, "Nothing."));
}

#[test]
fn what_was_recorded_is_played_back_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("r.jsonl");
    let hand = played(concat!(
        r#"{"thinking":"hm","text":"it is s3cret-value","calls":[{"id":"a","tool":"bash","arguments":{"command":"ls"}},{"tool":"bash","arguments":"{bad"}],"usage":{"input":3,"output":2,"cacheRead":1}}"#,
        "\n",
        r#"{"text":"cut","stop":"length"}"#
    ))
    .unwrap();
    let clean: Clean = Arc::new(|text| text.replace("s3cret-value", "[redacted]"));
    let recording = Recording::create(&file, &spec(), clean).unwrap();
    let model = recording.of(Box::new(hand), "m");
    let mut conversation = vec![user("use s3cret-value")];
    let first = asks(&*model, &conversation).unwrap();
    conversation.extend([Message::Assistant(first.parts.clone()), results("bash"), user("and?")]);
    let second = asks(&*model, &conversation).unwrap();

    let text = fs::read_to_string(&file).unwrap();
    assert!(!text.contains("s3cret") && text.contains("[redacted]"), "{text}");
    assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o600);
    let replay = Replay::open(&file).unwrap();
    let again = asks(&replay, &conversation[..1]).unwrap();
    assert_eq!((again.usage, again.stop), (first.usage, first.stop));
    assert_eq!(again.parts[2..], first.parts[2..]);
    assert_eq!(asks(&replay, &conversation).unwrap(), second);
}

#[test]
fn an_old_file_is_not_written_over() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("r.jsonl");
    fs::write(&file, "precious").unwrap();
    let clean: Clean = Arc::new(str::to_owned);
    assert!(Recording::create(&file, &spec(), clean).is_err());
    assert_eq!(fs::read_to_string(&file).unwrap(), "precious");
}

#[test]
fn a_run_that_goes_another_way_is_told_where() {
    let lines = "{\"told\":[{\"user\":\"x\"}],\"calls\":[{\"tool\":\"bash\"}]}\n\
                 {\"told\":[{\"results\":[{\"tool\":\"bash\"}]}],\"text\":\"done\"}\n";
    let model = played(lines).unwrap();
    let first = asks(&model, &[user("y")]).unwrap();
    let conversation = [user("y"), Message::Assistant(first.parts), results("read")];
    let fault = asks(&model, &conversation).unwrap_err();
    assert!(
        fault.message.ends_with(
            "r.jsonl:2: the recording goes on with results of bash, the run with results of read"
        ),
        "{fault}"
    );
}

#[test]
fn a_recording_that_is_over_or_wrong_says_so() {
    let check = |lines: &str, want: &str| {
        let fault = match played(lines) {
            Ok(model) => asks(&model, &[user("x")]).unwrap_err(),
            Err(fault) => fault,
        };
        assert_eq!(fault.kind, FaultKind::Setup);
        assert!(fault.message.contains(want), "{fault}");
    };
    check("", "ends after 0 replies, and the run goes on");
    check("{\"text\":\"a\"}\nnot json", "r.jsonl:2 is no exchange");
    check("{\"txt\":\"a\"}", "r.jsonl:1 is no exchange: unknown field `txt`");
    check("{\"recording\": 2}", "r.jsonl:1 was made by a newer al (version 2)");
    let fault =
        r#"{"fault":{"kind":"overloaded","message":"busy","status":529,"retry_after_ms":null}}"#;
    check(fault, "ends after 0 replies");
}
