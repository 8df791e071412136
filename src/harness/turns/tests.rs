use std::collections::VecDeque;
use std::sync::Mutex;

use serde_json::json;

use super::*;
use crate::harness::{Place, Thinker};
use crate::llm::{Answer, Auth, Hear, Usage};

/// A model that says what it was told to say, and remembers what it was asked.
#[derive(Clone, Default)]
struct Scripted(Arc<Mutex<Script>>);

#[derive(Default)]
struct Script {
    replies: VecDeque<Result<Reply, Fault>>,
    asked: Vec<Request>,
}

impl Scripted {
    fn new(replies: impl IntoIterator<Item = Result<Reply, Fault>>) -> Self {
        let script = Script { replies: replies.into_iter().collect(), asked: Vec::new() };
        Self(Arc::new(Mutex::new(script)))
    }

    fn asked(&self) -> Vec<Request> {
        self.0.lock().unwrap().asked.clone()
    }
}

impl Model for Scripted {
    fn ask<'a>(&'a self, request: &'a Request, _: Hear<'a>) -> Answer<'a> {
        let mut script = self.0.lock().unwrap();
        script.asked.push(request.clone());
        let reply = script.replies.pop_front().expect("asked once more than expected");
        Box::pin(async move { reply })
    }
}

fn spec(name: &str) -> ModelSpec {
    ModelSpec {
        name: name.into(),
        provider: "custom".into(),
        model: "m".into(),
        base_url: None,
        auth: Auth::None,
        thinking: None,
        context_window: Some(1_000),
        max_tokens: None,
        headers: Default::default(),
        slots: None,
        price: Some(Price { input: 1.0, output: 10.0, cache_read: 0.0, cache_write: 0.0 }),
        file: None,
    }
}

fn job() -> Job {
    Job {
        run: "dev-1".into(),
        attempt: 1,
        agent: "dev".into(),
        engine: Thinker::Builtin,
        place: Place::Process,
        skill: String::new(),
        agent_dir: "/".into(),
        shared_dir: None,
        trigger: json!({"type": "manual"}),
        params: Default::default(),
        credentials: vec![],
        hooks_pre: vec![],
        hooks_post: vec![],
        preflight: vec![],
        models: vec![],
        compact_at: 0.8,
        record: None,
        secrets: vec![],
    }
}

fn says(text: &str) -> Result<Reply, Fault> {
    replies(vec![Part::Text(text.into())], Stop::End)
}

fn replies(parts: Vec<Part>, stop: Stop) -> Result<Reply, Fault> {
    let usage = Usage { input: 10, output: 2, ..Usage::default() };
    Ok(Reply { parts, stop, usage })
}

fn runs(command: &str) -> Result<Reply, Fault> {
    replies(vec![call("1", command)], Stop::Calls)
}

fn call(id: &str, command: &str) -> Part {
    let arguments = json!({"command": command}).as_object().cloned().unwrap();
    let arguments = Arguments::Valid(arguments);
    Part::Call(Call { id: id.into(), tool: "bash".into(), arguments, signature: None })
}

fn fails(kind: FaultKind) -> Result<Reply, Fault> {
    Err(Fault { kind, message: format!("{kind:?}"), status: None, retry_after_ms: None })
}

/// Runs to the end with these models; yields the end and what was used.
fn run(models: &[&Scripted]) -> (End, Meter) {
    let (job, folder) = (job(), tempfile::tempdir().unwrap());
    let shop = Workshop::new(folder.path(), None, "/bin/sh".into(), crate::agent::Place::default());
    let mut meter = Meter::default();
    let minds = models
        .iter()
        .enumerate()
        .map(|(at, model)| Mind::new(&spec(&format!("m{at}")), Box::new((*model).clone())));
    let turns =
        Turns::new(&job, minds.collect(), &shop, &mut meter, "be good".into(), "the task".into());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    (runtime.block_on(turns.run()), meter)
}

fn last_result(request: &Request) -> CallResult {
    match request.messages.last().unwrap() {
        Message::Results(results) => results.last().unwrap().clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_reply_that_wants_nothing_is_the_end() {
    let model = Scripted::new([says("all done")]);
    let (end, meter) = run(&[&model]);
    assert_eq!(end, End::with_text("all done".into()));
    let asked = &model.asked()[0];
    assert_eq!((asked.system.as_str(), asked.messages.len()), ("be good", 1));
    assert_eq!((meter.spent().turns, meter.spent().cost_micros), (1, Some(30)));
}

#[test]
fn what_a_tool_says_goes_back_to_the_model() {
    let model = Scripted::new([runs("echo hi; exit 3"), says("it failed")]);
    let (end, meter) = run(&[&model]);
    assert_eq!(end.code, 0);
    let result = last_result(&model.asked()[1]);
    assert!(result.is_error && result.text.starts_with("hi"), "{result:?}");
    assert_eq!(meter.spent().turns, 2);
}

#[test]
fn all_calls_of_a_reply_get_their_results_in_one_message() {
    let both = replies(vec![call("a", "echo 1"), call("b", "echo 2")], Stop::Calls);
    let model = Scripted::new([both, says("done")]);
    run(&[&model]);
    let asked = &model.asked()[1];
    let Message::Results(results) = asked.messages.last().unwrap() else { panic!("{asked:?}") };
    let texts: Vec<_> = results.iter().map(|r| (r.id.as_str(), r.text.trim())).collect();
    assert_eq!(texts, [("a", "1\n[exit code 0]"), ("b", "2\n[exit code 0]")]);
}

#[test]
fn malformed_arguments_go_back_to_the_model_as_an_error() {
    let part = Part::Call(Call {
        id: "1".into(),
        tool: "bash".into(),
        arguments: Arguments::Malformed("{\"command\": \"ls".into()),
        signature: None,
    });
    let model = Scripted::new([replies(vec![part], Stop::Calls), says("sorry")]);
    let (end, _) = run(&[&model]);
    assert_eq!(end.code, 0);
    let result = last_result(&model.asked()[1]);
    assert!(result.is_error && result.text.contains("no JSON object"), "{result:?}");
}

#[test]
fn an_overloaded_model_gives_way_to_the_next() {
    let first = Scripted::new([runs("true"), fails(FaultKind::Overloaded)]);
    let second = Scripted::new([says("done")]);
    let (end, _) = run(&[&first, &second]);
    assert_eq!(end.code, 0);
    assert_eq!(second.asked()[0].messages, first.asked()[1].messages);
}

#[test]
fn without_a_model_that_may_be_asked_the_run_ends_at_once_with_the_reason() {
    let (first, second) =
        (Scripted::new([fails(FaultKind::Auth)]), Scripted::new([fails(FaultKind::NotFound)]));
    let (end, _) = run(&[&first, &second]);
    assert_eq!(end, End::aborted("no model can be used: Auth"));
}

#[test]
fn a_conversation_is_made_shorter_before_it_is_too_long() {
    let long = "head -c 1200 /dev/zero | tr '\\0' x";
    let steps = [runs(long), runs(long), runs(long), says("the notes"), says("done")];
    let model = Scripted::new(steps);
    let (end, _) = run(&[&model]);
    assert_eq!(end, End::with_text("done".into()));
    let asked = model.asked();
    let summary = &asked[3];
    assert_eq!(summary.system, compact::SUMMARY_SYSTEM);
    assert!(summary.tools.is_empty());
    let Message::User(first) = &asked[4].messages[0] else { panic!("{asked:?}") };
    assert!(first.starts_with("the task") && first.contains("the notes"), "{first}");
    assert!(matches!(asked[4].messages[1], Message::Assistant(_)));
    assert!(asked[4].messages.len() < asked[3].messages.len() + 6);
}

#[test]
fn a_provider_that_finds_it_too_long_is_asked_again_with_less() {
    let model = Scripted::new([
        runs("head -c 400 /dev/zero | tr '\\0' x"),
        runs("echo 2"),
        fails(FaultKind::TooLong),
        says("the notes"),
        says("done"),
    ]);
    let (end, _) = run(&[&model]);
    assert_eq!(end.code, 0, "{end:?}");
}

#[test]
fn a_task_that_is_too_long_ends_the_run() {
    let model = Scripted::new([fails(FaultKind::TooLong)]);
    let (end, _) = run(&[&model]);
    assert_eq!(end.code, 1);
    assert!(end.why.unwrap().starts_with("the task alone is too long"));
}

#[test]
fn an_agent_that_goes_in_circles_is_stopped_with_the_reason() {
    let model = Scripted::new((0..6).map(|_| runs("false")));
    let (end, _) = run(&[&model]);
    assert_eq!(end.code, 1);
    assert!(end.why.unwrap().contains("goes in circles"));
    assert!(last_result(&model.asked()[5]).text.contains("very same call"));
}

#[test]
fn a_reply_that_was_cut_is_gone_on_with_but_not_for_ever() {
    let cut = || replies(vec![Part::Text("and so".into())], Stop::Length);
    let model = Scripted::new([cut(), cut(), says("on")]);
    assert_eq!(run(&[&model]).0.code, 0);
    let model = Scripted::new([cut(), cut(), cut()]);
    let (end, _) = run(&[&model]);
    assert!(end.why.unwrap().contains("maxTokens"));
}

#[test]
fn an_empty_reply_is_asked_about_once() {
    let empty = || replies(vec![], Stop::End);
    let model = Scripted::new([empty(), says("done")]);
    assert_eq!(run(&[&model]).0.code, 0);
    let model = Scripted::new([empty(), empty()]);
    assert_eq!(run(&[&model]).0, End::with_text(String::new()));
}

#[test]
fn a_reply_refused_for_its_content_ends_the_run() {
    let refused = replies(vec![Part::Text("I".into())], Stop::Refused);
    let (end, _) = run(&[&Scripted::new([refused])]);
    assert_eq!(end.code, 1);
}
