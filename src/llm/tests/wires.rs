//! Each wire, from a request to a reply and on to the next request, in chunks of seven bytes: these
//! cut characters and JSON in their middle.

use serde_json::{Map, Value, json};

use super::server::{Say, Server};
use super::{ask, spec};
use crate::llm::{
    Arguments, Auth, Call, CallResult, Message, ModelSpec, Part, Reply, Request, Stop, Thinking,
    Tool, Usage, connect,
};

/// Asks twice: the second time with the reply and what came of its calls.
fn talk(mut spec: ModelSpec, path: &str, events: &str) -> (Reply, Vec<String>, [Value; 2]) {
    let server = Server::start(vec![Say::events(events); 2]);
    spec.base_url = Some(server.url(path));
    let model = connect(&spec).unwrap();
    let bash = Tool {
        name: "bash",
        about: "Runs a command.".to_owned(),
        parameters: json!({"type": "object", "properties": {"command": {"type": "string"}}}),
    };
    let mut request = Request {
        system: "Be good.".to_owned(),
        messages: vec![Message::User("Go, żółw!".to_owned())],
        tools: [bash].into(),
    };
    let mut heard = Vec::new();
    let reply = ask(&*model, &request, &mut heard).unwrap();
    let result = |call: &Call| CallResult {
        id: call.id.clone(),
        tool: call.tool.clone(),
        text: "no 🦀".to_owned(),
        is_error: matches!(call.arguments, Arguments::Malformed(_)),
    };
    let results = reply.calls().map(result).collect();
    request.messages.push(Message::Assistant(reply.parts.clone()));
    request.messages.push(Message::Results(results));
    ask(&*model, &request, &mut Vec::new()).unwrap();
    let got = server.got();
    (reply, heard, [got[0].body.clone(), got[1].body.clone()])
}

fn events(data: &[Value]) -> String {
    data.iter().map(|data| format!("data: {data}\n\n")).collect()
}

fn called(id: &str, arguments: Arguments, signature: Option<&str>) -> Part {
    let (id, tool) = (id.to_owned(), "bash".to_owned());
    Part::Call(Call { id, tool, arguments, signature: signature.map(str::to_owned) })
}

fn ls() -> Arguments {
    Arguments::Valid(Map::from_iter([("command".to_owned(), json!("ls żółw"))]))
}

fn thought(text: &str, signature: Option<&str>) -> Part {
    Part::Thinking { text: text.to_owned(), signature: signature.map(str::to_owned) }
}

fn said(text: &str) -> Part {
    Part::Text(text.to_owned())
}

#[test]
fn anthropic_messages() {
    let block = |index: u8, block: Value| json!({"type": "content_block_start", "index": index, "content_block": block});
    let delta = |index: u8, delta: Value| json!({"type": "content_block_delta", "index": index, "delta": delta});
    let stream: String = [
        json!({"type": "message_start", "message": {"usage": {
            "input_tokens": 10, "cache_read_input_tokens": 300, "cache_creation_input_tokens": 40,
            "output_tokens": 1}}}),
        json!({"type": "ping"}),
        block(0, json!({"type": "thinking", "thinking": "", "signature": ""})),
        delta(0, json!({"type": "thinking_delta", "thinking": "Zażółć"})),
        delta(0, json!({"type": "signature_delta", "signature": "c2ln"})),
        block(1, json!({"type": "redacted_thinking", "data": "ZGF0YQ=="})),
        block(2, json!({"type": "text", "text": ""})),
        delta(2, json!({"type": "text_delta", "text": "I look. "})),
        delta(2, json!({"type": "text_delta", "text": "🦀"})),
        block(3, json!({"type": "tool_use", "id": "toolu_1", "name": "bash", "input": {}})),
        delta(3, json!({"type": "input_json_delta", "partial_json": "{\"command\": \"ls ż"})),
        delta(3, json!({"type": "input_json_delta", "partial_json": "ółw\"}"})),
        block(4, json!({"type": "tool_use", "id": "toolu_2", "name": "bash", "input": {}})),
        delta(4, json!({"type": "input_json_delta", "partial_json": "{\"command\": "})),
        json!({"type": "message_delta", "delta": {"stop_reason": "tool_use"},
               "usage": {"output_tokens": 55}}),
        json!({"type": "message_stop"}),
    ]
    .iter()
    .map(|data| format!("event: {}\ndata: {data}\n\n", data["type"].as_str().unwrap()))
    .collect();
    let mut spec = spec("anthropic", "claude-opus-4-5");
    spec.thinking = Some(Thinking::High);
    let (reply, heard, [first, second]) = talk(spec, "", &stream);
    let origin = "anthropic/claude-opus-4-5#";
    assert_eq!(
        reply,
        Reply {
            parts: vec![
                thought("Zażółć", Some(&format!("{origin}c2ln"))),
                thought("", Some(&format!("{origin}redacted:ZGF0YQ=="))),
                said("I look. 🦀"),
                called("toolu_1", ls(), None),
                called("toolu_2", Arguments::Malformed("{\"command\": ".to_owned()), None),
            ],
            stop: Stop::Calls,
            usage: Usage { input: 10, output: 55, cache_read: 300, cache_write: 40 },
        }
    );
    assert_eq!(heard, ["[Zażółć]", "I look. ", "🦀"]);
    let marked = json!({"type": "ephemeral"});
    assert_eq!(
        first,
        json!({
            "model": "claude-opus-4-5",
            "max_tokens": 32_000,
            "stream": true,
            "system": [{"type": "text", "text": "Be good.", "cache_control": marked}],
            "tools": [{"name": "bash", "description": "Runs a command.", "input_schema":
                {"type": "object", "properties": {"command": {"type": "string"}}}}],
            "thinking": {"type": "enabled", "budget_tokens": 20_480},
            "messages": [{"role": "user", "content":
                [{"type": "text", "text": "Go, żółw!", "cache_control": marked}]}],
        })
    );
    assert_eq!(second["thinking"], first["thinking"]);
    let blocks = json!([
        {"type": "thinking", "thinking": "Zażółć", "signature": "c2ln"},
        {"type": "redacted_thinking", "data": "ZGF0YQ=="},
        {"type": "text", "text": "I look. 🦀"},
        {"type": "tool_use", "id": "toolu_1", "name": "bash", "input": {"command": "ls żółw"}},
        {"type": "tool_use", "id": "toolu_2", "name": "bash",
         "input": {"malformed": "{\"command\": "}},
    ]);
    assert_eq!(second["messages"][1], json!({"role": "assistant", "content": blocks}));
    let results = json!([
        {"type": "tool_result", "tool_use_id": "toolu_1", "content": "no 🦀"},
        {"type": "tool_result", "tool_use_id": "toolu_2", "content": "no 🦀", "is_error": true,
         "cache_control": marked},
    ]);
    assert_eq!(second["messages"][2], json!({"role": "user", "content": results}));
}

#[test]
fn chat_completions() {
    let delta = |delta: Value| json!({"choices": [{"index": 0, "delta": delta}]});
    let call = |call: Value| delta(json!({"tool_calls": [call]}));
    let stream = events(&[
        delta(json!({"role": "assistant", "content": null})),
        delta(json!({"reasoning_content": "Zażółć"})),
        delta(json!({"content": "I look. 🦀"})),
        call(json!({"index": 0, "id": "a", "function": {"name": "bash", "arguments": ""}})),
        call(json!({"index": 0, "function": {"arguments": "{\"command\": \"ls ż"}})),
        call(json!({"index": 1, "function": {"name": "bash", "arguments": "{"}})),
        call(json!({"index": 0, "function": {"arguments": "ółw\"}"}})),
        json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}),
        json!({"choices": [], "usage": {"prompt_tokens": 350, "completion_tokens": 55,
               "total_tokens": 405, "prompt_tokens_details": {"cached_tokens": 300}}}),
    ]) + "data: [DONE]\n\n";
    let mut spec = spec("custom", "qwen3-max");
    spec.max_tokens = Some(900);
    let (reply, heard, [first, second]) = talk(spec, "/v1", &stream);
    assert_eq!(
        reply,
        Reply {
            parts: vec![
                thought("Zażółć", None),
                said("I look. 🦀"),
                called("a", ls(), None),
                called("call_1_3", Arguments::Malformed("{".to_owned()), None),
            ],
            stop: Stop::Calls,
            usage: Usage { input: 50, output: 55, cache_read: 300, cache_write: 0 },
        }
    );
    assert_eq!(heard, ["[Zażółć]", "I look. 🦀"]);
    assert_eq!(
        first,
        json!({
            "model": "qwen3-max",
            "stream": true,
            "stream_options": {"include_usage": true},
            "max_tokens": 900,
            "tools": [{"type": "function", "function": {
                "name": "bash", "description": "Runs a command.", "parameters":
                {"type": "object", "properties": {"command": {"type": "string"}}}}}],
            "messages": [
                {"role": "system", "content": "Be good."},
                {"role": "user", "content": "Go, żółw!"},
            ],
        })
    );
    assert_eq!(
        second["messages"].as_array().unwrap()[2..],
        [
            json!({"role": "assistant", "content": "I look. 🦀", "tool_calls": [
                {"id": "a", "type": "function", "function":
                    {"name": "bash", "arguments": "{\"command\":\"ls żółw\"}"}},
                {"id": "call_1_3", "type": "function", "function":
                    {"name": "bash", "arguments": "{\"malformed\":\"{\"}"}},
            ], "reasoning_content": "Zażółć"}),
            json!({"role": "tool", "tool_call_id": "a", "content": "no 🦀"}),
            json!({"role": "tool", "tool_call_id": "call_1_3", "content": "Error: no 🦀"}),
        ]
    );
}

#[test]
fn openai_responses() {
    let reasoning = json!({"type": "reasoning", "id": "rs_1", "encrypted_content": "c2Vj",
        "summary": [{"type": "summary_text", "text": "Zażółć"}]});
    let item = |kind: &str, index: u8, item: Value| json!({"type": format!("response.output_item.{kind}"), "output_index": index, "item": item});
    let delta = |kind: &str, index: u8, delta: &str| json!({"type": format!("response.{kind}.delta"), "output_index": index, "delta": delta});
    let call = |arguments: &str, id: &str| json!({"type": "function_call", "id": "fc", "call_id": id, "name": "bash", "arguments": arguments});
    let stream = events(&[
        json!({"type": "response.created", "response": {"id": "r", "error": null}}),
        item("added", 0, json!({"type": "reasoning", "id": "rs_1", "summary": []})),
        delta("reasoning_summary_text", 0, "Zażółć"),
        item("done", 0, reasoning.clone()),
        item("added", 1, json!({"type": "message"})),
        delta("output_text", 1, "I look. "),
        delta("output_text", 1, "🦀"),
        item("added", 2, call("", "call_a")),
        item("added", 3, call("", "call_b")),
        delta("function_call_arguments", 2, "{\"command\": \"ls ż"),
        delta("function_call_arguments", 3, "[1"),
        delta("function_call_arguments", 2, "ółw\"}"),
        item("done", 2, call("{\"command\": \"ls żółw\"}", "call_a")),
        json!({"type": "response.completed", "response": {"id": "r", "usage": {
            "input_tokens": 350, "input_tokens_details": {"cached_tokens": 300},
            "output_tokens": 55}}}),
    ]);
    let mut spec = spec("openai", "gpt-5.4");
    spec.thinking = Some(Thinking::Low);
    spec.auth = Auth::Key("sk-1".to_owned());
    let (reply, heard, [first, second]) = talk(spec, "/v1/responses", &stream);
    assert_eq!(
        reply,
        Reply {
            parts: vec![
                thought("Zażółć", Some(&format!("openai/gpt-5.4#{reasoning}"))),
                said("I look. 🦀"),
                called("call_a", ls(), None),
                called("call_b", Arguments::Malformed("[1".to_owned()), None),
            ],
            stop: Stop::Calls,
            usage: Usage { input: 50, output: 55, cache_read: 300, cache_write: 0 },
        }
    );
    assert_eq!(heard, ["[Zażółć]", "I look. ", "🦀"]);
    let user = json!({"role": "user", "content": [{"type": "input_text", "text": "Go, żółw!"}]});
    assert_eq!(
        first,
        json!({
            "model": "gpt-5.4",
            "stream": true,
            "store": false,
            "instructions": "Be good.",
            "include": ["reasoning.encrypted_content"],
            "reasoning": {"effort": "low", "summary": "auto"},
            "tools": [{"type": "function", "name": "bash", "description": "Runs a command.",
                "parameters": {"type": "object", "properties": {"command": {"type": "string"}}},
                "strict": false}],
            "input": [user],
        })
    );
    assert_eq!(
        second["input"],
        json!([
            user,
            reasoning,
            {"type": "message", "role": "assistant",
             "content": [{"type": "output_text", "text": "I look. 🦀"}]},
            {"type": "function_call", "call_id": "call_a", "name": "bash",
             "arguments": "{\"command\":\"ls żółw\"}"},
            {"type": "function_call", "call_id": "call_b", "name": "bash",
             "arguments": "{\"malformed\":\"[1\"}"},
            {"type": "function_call_output", "call_id": "call_a", "output": "no 🦀"},
            {"type": "function_call_output", "call_id": "call_b", "output": "Error: no 🦀"},
        ])
    );
}

#[test]
fn gemini() {
    let parts =
        |parts: Value| json!({"candidates": [{"content": {"role": "model", "parts": parts}}]});
    let stream = events(&[
        parts(json!([{"text": "Zażółć", "thought": true}])),
        parts(json!([{"text": "I look. "}])),
        parts(json!([{"text": "🦀"},
            {"functionCall": {"name": "bash", "args": {"command": "ls żółw"}},
             "thoughtSignature": "c2ln"}])),
        parts(json!([{"functionCall": {"id": "b", "name": "bash"}}])),
        json!({"candidates": [{"finishReason": "STOP"}], "usageMetadata": {
            "promptTokenCount": 350, "cachedContentTokenCount": 300,
            "candidatesTokenCount": 50, "thoughtsTokenCount": 5}}),
    ]);
    let mut spec = spec("google", "gemini-3-flash-preview");
    spec.thinking = Some(Thinking::Medium);
    let (reply, heard, [first, second]) = talk(spec, "/v1beta/", &stream);
    assert_eq!(
        reply,
        Reply {
            parts: vec![
                thought("Zażółć", None),
                said("I look. 🦀"),
                called("call_1_2", ls(), Some("google/gemini-3-flash-preview#c2ln")),
                called("b", Arguments::Valid(Map::new()), None),
            ],
            stop: Stop::Calls,
            usage: Usage { input: 50, output: 55, cache_read: 300, cache_write: 0 },
        }
    );
    assert_eq!(heard, ["[Zażółć]", "I look. ", "🦀"]);
    assert_eq!(
        first,
        json!({
            "systemInstruction": {"parts": [{"text": "Be good."}]},
            "tools": [{"functionDeclarations": [{"name": "bash", "description": "Runs a command.",
                "parametersJsonSchema":
                    {"type": "object", "properties": {"command": {"type": "string"}}}}]}],
            "generationConfig": {"thinkingConfig":
                {"thinkingLevel": "medium", "includeThoughts": true}},
            "contents": [{"role": "user", "parts": [{"text": "Go, żółw!"}]}],
        })
    );
    let call = |id: &str, args: Value| json!({"id": id, "name": "bash", "args": args});
    let made = json!([
        {"text": "I look. 🦀"},
        {"functionCall": call("call_1_2", json!({"command": "ls żółw"})),
         "thoughtSignature": "c2ln"},
        {"functionCall": call("b", json!({}))},
    ]);
    assert_eq!(second["contents"][1], json!({"role": "model", "parts": made}));
    let response = |id: &str| json!({"functionResponse": {"id": id, "name": "bash", "response": {"output": "no 🦀"}}});
    let results = json!({"role": "user", "parts": [response("call_1_2"), response("b")]});
    assert_eq!(second["contents"][2], results);
}

#[test]
fn the_way_in_is_the_provider_s_own() {
    let check = |provider: &str, path: &str, auth: Auth, at: &str, expected: &[(&str, &str)]| {
        let server = Server::start(vec![Say::error(400, "{}")]);
        let mut spec = spec(provider, "it-max");
        spec.base_url = Some(server.url(path));
        spec.auth = auth;
        spec.headers.insert("x-team".to_owned(), "blue".to_owned());
        super::asked_by(&*connect(&spec).unwrap(), &Request::default()).unwrap_err();
        let got = &server.got()[0];
        assert_eq!(got.path, at, "{provider}");
        assert_eq!(got.header("x-team"), Some("blue"));
        let known = ["authorization", "x-api-key", "x-goog-api-key", "anthropic-beta"];
        let signed: Vec<(&str, &str)> =
            known.iter().filter_map(|name| Some((*name, got.header(name)?))).collect();
        assert_eq!(signed, expected, "{provider}");
    };
    let key = || Auth::Key("k\n".to_owned());
    let token = || Auth::Bearer("t".to_owned());
    check("anthropic", "", key(), "/v1/messages", &[("x-api-key", "k")]);
    check("anthropic", "/v1/", key(), "/v1/messages", &[("x-api-key", "k")]);
    check("anthropic", "/p/v1/messages", key(), "/p/v1/messages", &[("x-api-key", "k")]);
    check(
        "anthropic",
        "/p",
        token(),
        "/p/v1/messages",
        &[("authorization", "Bearer t"), ("anthropic-beta", "oauth-2025-04-20")],
    );
    check("openai", "/v1", key(), "/v1/chat/completions", &[("authorization", "Bearer k")]);
    check("groq", "/v1/", token(), "/v1/chat/completions", &[("authorization", "Bearer t")]);
    check("custom", "/v1/chat/completions", Auth::None, "/v1/chat/completions", &[]);
    check("custom", "/v1/responses", Auth::None, "/v1/responses", &[]);
    let gemini = "/v1beta/models/it-max:streamGenerateContent?alt=sse";
    check("google", "/v1beta", key(), gemini, &[("x-goog-api-key", "k")]);
}
