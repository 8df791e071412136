//! What a model is told of tools, and of arguments that are not right.

use serde_json::{Value, json};

use super::World;
use crate::harness::tools::is_read_only;

#[tokio::test]
async fn wrong_arguments_are_answered_with_what_is_right() {
    let world = World::new();
    let check = async |tool: &str, arguments: Value, want: &str| {
        assert_eq!(world.bad(tool, arguments).await, want);
    };
    check(
        "read",
        json!({}),
        "`read` needs the argument `path`, a text that is not empty: the file",
    )
    .await;
    check(
        "read",
        json!({"path": null}),
        "`read` needs the argument `path`, a text that is not empty: the file",
    )
    .await;
    check(
        "read",
        json!({"file": "a", "path": 1, "offset": "2", "limit": 0}),
        "`read` has no argument `file`; it takes `path`, `offset`, `limit`\n\
         the argument `path` of `read` must be a text that is not empty, not 1\n\
         the argument `offset` of `read` must be a whole number from 1 to 1099511627776, not the text \"2\"\n\
         the argument `limit` of `read` must be a whole number from 1 to 10000, not 0",
    )
    .await;
    check(
        "request_rerun",
        json!({"why": 1}),
        "`request_rerun` has no argument `why`; it takes nothing",
    )
    .await;
    check(
        "grep",
        json!({"pattern": "x", "ignore_case": "yes"}),
        "the argument `ignore_case` of `grep` must be true or false, not the text \"yes\"",
    )
    .await;
    check(
        "wait_for_trigger",
        json!({"type": "cron", "match": {"a": 1}}),
        "the argument `type` of `wait_for_trigger` must be one of webhook, agent_trigger, not the \
         text \"cron\"\nthe argument `match` of `wait_for_trigger` must be an object whose values are \
         texts, not the object {\"a\":1}",
    )
    .await;
    check(
        "ask_operator",
        json!({"question": "", "choices": "a"}),
        "the argument `question` of `ask_operator` must be a text that is not empty, not an empty \
         text\nthe argument `choices` of `ask_operator` must be a list of texts, not the text \"a\"",
    )
    .await;
    check(
        "shell",
        json!({}),
        "there is no tool \"shell\"; there are bash, read, write, edit, grep, find, ls, set_status, \
         return_value, request_rerun, acquire_lock, release_lock, call_agent, check_call, \
         wait_for_trigger, ask_operator",
    )
    .await;
}

#[tokio::test]
async fn what_is_open_to_doubt_is_taken_as_meant() {
    let world = World::new();
    world.put("a", "1\n2\n3\n");
    let text = world.good("read", json!({"path": "a", "offset": 2.0, "limit": null})).await;
    assert_eq!(text, "    2\t2\n    3\t3\n");
}

#[test]
fn every_tool_says_what_it_takes_as_json_schema() {
    let world = World::new();
    let readme = include_str!("../../../../README.md");
    for tool in &*world.shop.tools() {
        assert!(readme.contains(&format!("`{}`", tool.name)), "{} is not in the README", tool.name);
        assert!(tool.about.len() < 500 && !tool.about.contains("  "), "{}", tool.about);
        let properties = tool.parameters["properties"].as_object().unwrap();
        for name in tool.parameters["required"].as_array().unwrap() {
            assert!(properties.contains_key(name.as_str().unwrap()));
        }
        for (name, schema) in properties {
            assert!(schema["type"].is_string() && schema["description"].is_string(), "{name}");
        }
    }
    let read = world.shop.tools().iter().find(|tool| tool.name == "read").unwrap().clone();
    let want = json!({
        "type": "object",
        "properties": {
            "path": {"type": "string", "description": "the file"},
            "offset": {"type": "integer", "minimum": 1, "maximum": 1_099_511_627_776_u64, "default": 1,
                "description": "the first line, counted from 1"},
            "limit": {"type": "integer", "minimum": 1, "maximum": 10000, "default": 2000,
                "description": "how many lines"},
        },
        "required": ["path"],
        "additionalProperties": false,
    });
    assert_eq!(read.parameters, want);
}

#[test]
fn tools_that_change_nothing_may_be_used_at_once() {
    let world = World::new();
    let tools = world.shop.tools();
    let read_only: Vec<_> =
        tools.iter().map(|tool| tool.name).filter(|name| is_read_only(name)).collect();
    assert_eq!(read_only, ["read", "grep", "find", "ls", "check_call"]);
    assert!(!is_read_only("nothing"));
}
