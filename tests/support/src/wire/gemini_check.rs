//! Google's Gemini: which requests are valid.

use serde_json::Value;

use crate::exchange::Seen;
use crate::refusal::Complaint;
use crate::reply::Trouble;

/// Everything that a request may have, also under the other way to spell it.
const FIELDS: &[&str] = &[
    "cachedContent",
    "contents",
    "continuationToken",
    "generationConfig",
    "model",
    "safetySettings",
    "serviceTier",
    "store",
    "systemInstruction",
    "toolConfig",
    "tools",
];

/// What of JSON Schema a `parameters` may have; `parametersJsonSchema` takes all of it.
const SCHEMA: &[&str] = &[
    "type",
    "format",
    "title",
    "description",
    "nullable",
    "enum",
    "maxItems",
    "minItems",
    "properties",
    "required",
    "minProperties",
    "maxProperties",
    "minLength",
    "maxLength",
    "pattern",
    "example",
    "anyOf",
    "propertyOrdering",
    "default",
    "items",
    "minimum",
    "maximum",
];

pub fn check(seen: &Seen) -> Result<(), Complaint> {
    if seen.api.is_none() {
        return Err(Complaint::of(Trouble::Status(404)));
    }
    let keyed = seen.header("x-goog-api-key").or(seen.query("key")).is_some_and(|k| !k.is_empty());
    if !keyed && seen.bearer().is_none() {
        return Err(Complaint::of(Trouble::Status(403)));
    }
    let body = seen.body.as_object();
    let body = body.ok_or_else(|| Complaint::wrong("Invalid JSON payload received."))?;
    if let Some(key) = body.keys().find(|key| !FIELDS.contains(&camel(key).as_str())) {
        return Err(unknown(key, None));
    }
    let none = Vec::new();
    let contents = seen.body["contents"].as_array().unwrap_or(&none);
    if contents.is_empty() {
        return Err(Complaint::wrong(
            "* GenerateContentRequest.contents: contents is not specified\n",
        ));
    }
    tools(&seen.body["tools"])?;
    turns(contents)?;
    proven(seen, contents)
}

/// Both spellings are taken: `system_instruction` is `systemInstruction`.
fn camel(key: &str) -> String {
    let mut words = key.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| {
        let mut letters = word.chars();
        let head = letters.next().map(|c| c.to_ascii_uppercase());
        name + &head.into_iter().chain(letters).collect::<String>()
    })
}

fn unknown(key: &str, place: Option<&str>) -> Complaint {
    let place = place.map(|place| format!(" at '{place}'")).unwrap_or_default();
    Complaint::wrong(format!(
        "Invalid JSON payload received. Unknown name \"{key}\"{place}: Cannot find field."
    ))
}

fn field<'v>(value: &'v Value, name: &str) -> &'v Value {
    let found = value.as_object().and_then(|map| {
        let mut fields = map.iter().filter(|(key, _)| camel(key) == name);
        fields.next().map(|(_, value)| value)
    });
    found.unwrap_or(&Value::Null)
}

fn tools(tools: &Value) -> Result<(), Complaint> {
    for (at, tool) in tools.as_array().into_iter().flatten().enumerate() {
        let functions = field(tool, "functionDeclarations").as_array();
        for (index, function) in functions.into_iter().flatten().enumerate() {
            let place = format!("tools[{at}].function_declarations[{index}].parameters");
            schema(&function["parameters"], &place)?;
            let json = field(function, "parametersJsonSchema");
            if !json.is_null() && !function["parameters"].is_null() {
                return Err(Complaint::wrong(
                    "parameters and parameters_json_schema are mutually exclusive",
                ));
            }
        }
    }
    Ok(())
}

fn schema(schema: &Value, place: &str) -> Result<(), Complaint> {
    let Some(map) = schema.as_object() else { return Ok(()) };
    if let Some(key) = map.keys().find(|key| !SCHEMA.contains(&camel(key).as_str())) {
        return Err(unknown(key, Some(place)));
    }
    for (at, (_, property)) in map["properties"].as_object().into_iter().flatten().enumerate() {
        self::schema(property, &format!("{place}.properties[{at}].value"))?;
    }
    self::schema(&schema["items"], &format!("{place}.items"))
}

/// The parts of a turn.
fn parts(turn: &Value) -> impl Iterator<Item = &Value> {
    turn["parts"].as_array().into_iter().flatten()
}

fn count(turn: &Value, name: &str) -> usize {
    parts(turn).filter(|part| !field(part, name).is_null()).count()
}

/// A turn with calls is answered by one with as many responses.
fn turns(contents: &[Value]) -> Result<(), Complaint> {
    let mut open = 0;
    for (index, turn) in contents.iter().enumerate() {
        if parts(turn).next().is_none() {
            return Err(Complaint::wrong(format!(
                "* GenerateContentRequest.contents[{index}].parts: contents.parts must not be empty.\n"
            )));
        }
        let calls = count(turn, "functionCall");
        match turn["role"].as_str() {
            Some("user" | "function") | None => {
                let responses = count(turn, "functionResponse");
                if responses != open {
                    return Err(Complaint::wrong(
                        "Please ensure that the number of function response parts is equal to the \
                         number of function call parts of the function call turn.",
                    ));
                }
                open = 0;
            }
            Some("model") => {
                let before = index.checked_sub(1).map(|before| &contents[before]["role"]);
                let in_order = before.is_some_and(|role| role != "model") && open == 0;
                if calls > 0 && !in_order {
                    return Err(Complaint::wrong(
                        "Please ensure that function call turn comes immediately after a user turn or \
                         after a function response turn.",
                    ));
                }
                open = calls;
            }
            Some(_) => {
                return Err(Complaint::wrong("Please use a valid role: user, model."));
            }
        }
    }
    if open > 0 {
        return Err(Complaint::wrong(
            "Please ensure that function response turn comes immediately after a function call turn.",
        ));
    }
    Ok(())
}

/// From the third generation on, the first call of each step since the user spoke last has to be
/// proven.
fn proven(seen: &Seen, contents: &[Value]) -> Result<(), Complaint> {
    if !seen.model().starts_with("gemini-3") {
        return Ok(());
    }
    let spoke = |turn: &Value| turn["role"] == "user" && count(turn, "functionResponse") == 0;
    let since = contents.iter().rposition(spoke).unwrap_or(0);
    for (index, turn) in contents.iter().enumerate().skip(since) {
        let first = parts(turn).find(|part| !field(part, "functionCall").is_null());
        if let Some(part) = first
            && field(part, "thoughtSignature").as_str().is_none_or(str::is_empty)
        {
            let name = &field(part, "functionCall")["name"];
            return Err(Complaint::wrong(format!(
                "Function call is missing a thought_signature in functionCall parts. This is required \
                 for tools to work correctly, and missing thought_signature may lead to degraded model \
                 performance. Additional data, function call {name}, position {index}. Please refer to \
                 https://ai.google.dev/gemini-api/docs/thought-signatures for more details."
            )));
        }
    }
    Ok(())
}
