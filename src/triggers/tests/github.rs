//! What an agent is told about each event.

use super::*;

fn context(event: &str, body: &Value) -> Option<Context> {
    let request = Request::event(event, body).sign("s3cret");
    Setup::signed().post("github", &request).unwrap().context
}

/// The context as JSON text, fields in their order.
fn check(event: &str, extra: Value, expected: &str) {
    let mut body = json!({"repository": {"full_name": "acme/api"}, "sender": {"login": "ada"}});
    body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    let context = context(event, &body).unwrap();
    let expected =
        expected.replace("SENT", r#""sender":"ada","timestamp":"2026-11-20T12:34:56.789Z""#);
    assert_eq!(serde_json::to_string(&context).unwrap(), expected);
}

#[test]
fn issues() {
    check(
        "issues",
        issue_opened(),
        r#"{"source":"github","event":"issues","action":"opened","repo":"acme/api","number":12,"title":"Crash at start","body":"It says \"no\".\nAlways.","url":"https://github.com/acme/api/issues/12","author":"ada","assignee":"bob","labels":["bug","agent"],SENT}"#,
    );
    check(
        "issues",
        json!({"action": "closed", "issue": {"number": 1, "title": "T", "body": null, "assignee": null}}),
        r#"{"source":"github","event":"issues","action":"closed","repo":"acme/api","number":1,"title":"T","labels":[],SENT}"#,
    );
}

#[test]
fn pull_requests() {
    check(
        "pull_request",
        json!({
            "action": "labeled",
            "number": 7,
            "label": {"name": "agent"},
            "pull_request": {
                "number": 7, "title": "Add it", "body": "Please", "html_url": "https://x/7",
                "user": {"login": "bob"}, "assignee": {"login": "ada"},
                "labels": [{"name": "agent"}], "head": {"ref": "feature/x", "sha": "1"},
            },
        }),
        r#"{"source":"github","event":"pull_request","action":"labeled","repo":"acme/api","number":7,"title":"Add it","body":"Please","url":"https://x/7","author":"bob","assignee":"ada","labels":["agent"],"branch":"feature/x",SENT}"#,
    );
}

#[test]
fn issue_comments() {
    check(
        "issue_comment",
        json!({
            "action": "created",
            "issue": {"number": 12, "title": "Crash", "body": "not told", "html_url": "https://x/12",
                      "user": {"login": "bob"}, "labels": [{"name": "bug"}]},
            "comment": {"html_url": "https://x/12#c1", "body": "Same here", "user": {"login": "eve"}},
        }),
        r#"{"source":"github","event":"issue_comment","action":"created","repo":"acme/api","number":12,"title":"Crash","url":"https://x/12#c1","author":"bob","labels":["bug"],"comment":"Same here",SENT}"#,
    );
}

#[test]
fn reviews() {
    check(
        "pull_request_review",
        json!({
            "action": "submitted",
            "pull_request": {"number": 7, "title": "Add it", "html_url": "https://x/7",
                             "user": {"login": "bob"}, "labels": [], "head": {"ref": "feature/x"}},
            "review": {"html_url": "https://x/7#r1", "body": "Looks right", "state": "approved"},
        }),
        r#"{"source":"github","event":"pull_request_review","action":"submitted","repo":"acme/api","number":7,"title":"Add it","url":"https://x/7#r1","author":"bob","branch":"feature/x","comment":"Looks right",SENT}"#,
    );
}

#[test]
fn pushes() {
    let push = |reference: &str, author: Value| {
        json!({
            "ref": reference, "compare": "https://x/compare",
            "head_commit": {"message": "Fix it", "author": author},
            "pusher": {"name": "pusher"},
        })
    };
    check(
        "push",
        push("refs/heads/feature/x", json!({"name": "Bob", "username": "bob"})),
        r#"{"source":"github","event":"push","repo":"acme/api","title":"Fix it","url":"https://x/compare","author":"bob","branch":"feature/x",SENT}"#,
    );
    check(
        "push",
        push("refs/tags/v1", json!({"name": "Bob"})),
        r#"{"source":"github","event":"push","repo":"acme/api","title":"Fix it","url":"https://x/compare","author":"pusher","branch":"refs/tags/v1",SENT}"#,
    );
    // A branch was deleted.
    check(
        "push",
        json!({"ref": "refs/heads/x", "head_commit": null, "deleted": true}),
        r#"{"source":"github","event":"push","repo":"acme/api","branch":"x",SENT}"#,
    );
}

#[test]
fn workflow_runs() {
    let run = |conclusion: Value, pull_requests: Value| {
        json!({
            "action": "completed",
            "workflow_run": {"name": "CI", "html_url": "https://x/run", "head_branch": "main",
                             "actor": {"login": "bob"}, "conclusion": conclusion, "pull_requests": pull_requests},
        })
    };
    check(
        "workflow_run",
        run(json!("failure"), json!([{"number": 7}, {"number": 8}])),
        r#"{"source":"github","event":"workflow_run","action":"completed","repo":"acme/api","number":7,"title":"CI","url":"https://x/run","author":"bob","branch":"main","conclusion":"failure",SENT}"#,
    );
    check(
        "workflow_run",
        run(Value::Null, json!([])),
        r#"{"source":"github","event":"workflow_run","action":"completed","repo":"acme/api","title":"CI","url":"https://x/run","author":"bob","branch":"main",SENT}"#,
    );
}

#[test]
fn other_events_are_told_by_their_action_or_name() {
    check(
        "release",
        json!({"action": "published"}),
        r#"{"source":"github","event":"release","action":"published","repo":"acme/api","title":"published",SENT}"#,
    );
    check(
        "fork",
        json!({}),
        r#"{"source":"github","event":"fork","repo":"acme/api","title":"fork",SENT}"#,
    );
    check(
        "fork",
        json!({"sender": null}),
        r#"{"source":"github","event":"fork","repo":"acme/api","title":"fork","sender":"unknown","timestamp":"2026-11-20T12:34:56.789Z"}"#,
    );
}

#[test]
fn what_no_agent_can_want_is_accepted_and_starts_nothing() {
    let ping = json!({"zen": "Keep it logically awesome.", "hook_id": 1, "repository": {"full_name": "acme/api"}});
    let no_repository = json!({"action": "member_added", "organization": {"login": "acme"}});
    let cases = [
        (Request::event("ping", &ping), "ping acme/api"),
        (Request::event("organization", &no_repository), "organization member_added"),
        (
            Request::event("issues", &json!({"repository": {"full_name": "acme/api"}})),
            "issues acme/api",
        ),
        (Request::event("issue_comment", &issue_opened()), "issue_comment opened acme/api"),
        (Request::event("pull_request", &issue_opened()), "pull_request opened acme/api"),
        (
            Request::event("pull_request_review", &issue_opened()),
            "pull_request_review opened acme/api",
        ),
        (Request::event("workflow_run", &issue_opened()), "workflow_run opened acme/api"),
        (Request::issue().header("X-GitHub-Event", ""), "github opened acme/api"),
        (Request::issue().header("X-GitHub-Event", b"\xff".as_slice()), "github opened acme/api"),
    ];
    for (request, summary) in cases {
        let delivery = Setup::signed().post("github", &request.sign("s3cret")).unwrap();
        assert_eq!((delivery.summary.as_str(), &delivery.context), (summary, &None));
        assert_eq!(delivery.matches, []);
        assert!(delivery.delivery_id.is_some());
    }
}

#[test]
fn values_of_a_wrong_shape_count_as_absent() {
    let wrong = [
        json!(null),
        json!(true),
        json!(-1),
        json!(1.5),
        json!("text"),
        json!([]),
        json!([null, [1]]),
        json!({"a": {"b": [1]}}),
    ];
    let original = issue_opened();
    let paths = [
        "/action",
        "/repository",
        "/repository/full_name",
        "/sender",
        "/sender/login",
        "/issue",
        "/issue/number",
        "/issue/title",
        "/issue/body",
        "/issue/html_url",
        "/issue/user",
        "/issue/user/login",
        "/issue/assignee",
        "/issue/labels",
        "/issue/labels/0",
        "/issue/labels/0/name",
    ];
    for (path, value) in paths.iter().flat_map(|path| wrong.iter().map(move |value| (path, value)))
    {
        let mut body = original.clone();
        *body.pointer_mut(path).unwrap() = value.clone();
        let request = Request::event("issues", &body).sign("s3cret");
        let delivery = Setup::signed().post("github", &request);
        assert!(delivery.is_ok(), "{path} = {value}: {delivery:?}");
    }
    for body in wrong {
        let request = Request::event("issues", &body).sign("s3cret");
        assert_eq!(Setup::signed().post("github", &request).unwrap().context, None, "{body}");
    }
    let mut body = original;
    body["issue"]["labels"] = json!([null, {"name": "bug"}, 7, {"name": null}, "x", {}]);
    assert_eq!(context("issues", &body).unwrap().labels, Some(vec!["bug".to_owned()]));
}

#[test]
fn long_texts_are_cut_at_a_character() {
    let cut_body = |text: String| {
        let mut body = issue_opened();
        body["issue"]["body"] = json!(text);
        context("issues", &body).unwrap().body
    };
    assert_eq!(cut_body(String::new()), None);
    assert_eq!(cut_body("ü".repeat(4000)), Some("ü".repeat(4000)));
    assert_eq!(cut_body("ü".repeat(4001)), Some("ü".repeat(4000) + "..."));
    assert_eq!(cut_body("🦙".repeat(9000)), Some("🦙".repeat(4000) + "..."));
    let escaped = "line\n\"quoted\" \\ tab\t".repeat(1000);
    let expected: String = escaped.chars().take(4000).collect();
    assert_eq!(cut_body(escaped), Some(expected + "..."));
}

#[test]
fn a_summary_is_one_short_line() {
    let mut body = issue_opened();
    body["action"] = json!("open\u{1b}[31m\n");
    body["repository"]["full_name"] = json!("x".repeat(1000));
    let delivery =
        Setup::signed().post("github", &Request::event("issues", &body).sign("s3cret")).unwrap();
    assert!(delivery.summary.starts_with("issues open [31m  xxx"), "{}", delivery.summary);
    assert_eq!(delivery.summary.chars().count(), 200);
}

#[test]
fn a_context_survives_being_stored() {
    let mut context = context("issues", &issue_opened()).unwrap();
    context.receipt_id = Some("r-1".to_owned());
    let text = serde_json::to_string(&context).unwrap();
    assert!(text.ends_with(r#","receiptId":"r-1"}"#), "{text}");
    assert_eq!(serde_json::from_str::<Context>(&text).unwrap(), context);
}
