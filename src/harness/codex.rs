//! The engine `codex`: the Codex command line without a terminal, `codex exec --json`.

use serde_json::Value;

use super::cli_engine::{
    self, Dialect, Failed, Heard, Invocation, Kind, Named, Place, choose, count, secret, text,
};
use super::{End, Job, Meter};
use crate::llm::{Stop, Thinking, Usage};

const PROGRAM: &str = "codex";
const PROVIDER: &str = "openai";
/// Variables in which it looks for its key; the first is of all versions, the second of newer ones.
const KEYS: [&str; 2] = ["OPENAI_API_KEY", "CODEX_API_KEY"];

/// Works with Codex until it has ended.
pub async fn run(job: &Job, system: &str, user: &str, meter: &mut Meter) -> End {
    match invocation(job, system, user) {
        Ok(invocation) => {
            let (mut dialect, place) = (Codex::default(), Place::here());
            cli_engine::run(&invocation, &mut dialect, &place, meter).await
        }
        Err(why) => End::aborted(why),
    }
}

/// How it is asked to work. It has no option for a system prompt, so that stands before the user's.
///
/// # Errors
/// When none of the agent's models is one that it can ask.
pub fn invocation(job: &Job, system: &str, user: &str) -> Result<Invocation, String> {
    let spec = choose(&job.models, PROGRAM, PROVIDER)?;
    let words = ["exec", "--json", "--skip-git-repo-check"];
    let mut args: Vec<String> = words.map(str::to_owned).into();
    // Nobody is there to allow a tool; the runtime is the fence.
    args.push("--dangerously-bypass-approvals-and-sandbox".to_owned());
    let mut set =
        |key: &str, value: String| args.extend(["-c".to_owned(), format!("{key}={value}")]);
    // Its commands get the environment of the run, credentials included, without the key of the model.
    set("shell_environment_policy.inherit", quoted("all"));
    set("shell_environment_policy.ignore_default_excludes", "true".to_owned());
    set("shell_environment_policy.exclude", format!("[{}]", KEYS.map(quoted).join(",")));
    let mut env = Vec::new();
    if let Some(spec) = spec {
        if let Some(thinking) = spec.thinking {
            set("model_reasoning_effort", quoted(effort(thinking)));
        }
        if let Some(url) = &spec.base_url {
            set("model_provider", quoted("al"));
            set("model_providers.al.name", quoted(&spec.name));
            set("model_providers.al.base_url", quoted(url));
            set("model_providers.al.wire_api", quoted("responses"));
            if secret(spec).is_some() {
                set("model_providers.al.env_key", quoted(KEYS[0]));
            }
        }
        args.extend(["-m".to_owned(), spec.model.clone()]);
        env.extend(
            secret(spec).into_iter().flat_map(|key| KEYS.map(|name| (name, key.to_owned()))),
        );
    }
    args.push("-".to_owned()); // the prompt comes on stdin
    let stdin = format!("{system}\n\n{user}");
    let model = Named::of(spec, PROGRAM, PROVIDER);
    Ok(Invocation { program: PROGRAM, args, env, stdin, model })
}

/// A string of TOML. JSON's escapes are TOML's too.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

fn effort(thinking: Thinking) -> &'static str {
    match thinking {
        Thinking::Off => "none",
        Thinking::Minimal => "minimal",
        Thinking::Low => "low",
        Thinking::Medium => "medium",
        Thinking::High => "high",
        Thinking::Xhigh => "xhigh",
    }
}

/// What its lines mean: the events of versions since 0.41, and the messages of those before.
#[derive(Debug, Default)]
pub struct Codex {
    /// Its counts are those of the whole conversation.
    counted: Usage,
    /// The last text, which is the result when the work is done.
    said: String,
    /// The last complaint. It may go on after it.
    error: Option<String>,
    ended: bool,
}

impl Dialect for Codex {
    fn line(&mut self, line: &Value, heard: &mut Vec<Heard>) {
        if line["msg"].is_object() {
            return self.message(&line["msg"], heard);
        }
        match text(line, &["/type"]) {
            Some("item.started") => start(&line["item"], heard),
            Some("item.completed") => self.item(&line["item"], heard),
            Some("turn.completed") => {
                self.turn(usage(&line["usage"]), heard);
                self.done(None, heard);
            }
            Some("turn.failed") => {
                self.ended = true;
                heard.push(Heard::Failed(failed(text(line, &["/error/message"]))));
            }
            Some("error") => self.complain(text(line, &["/message"]), heard),
            Some(_) | None => {}
        }
    }

    fn end(&mut self, heard: &mut Vec<Heard>) {
        if let Some(error) = self.error.take().filter(|_| !self.ended) {
            heard.push(Heard::Failed(failed(Some(&error))));
        }
    }
}

impl Codex {
    fn say(&mut self, said: Option<&str>, heard: &mut Vec<Heard>) {
        if let Some(said) = said.filter(|said| !said.trim().is_empty()) {
            said.clone_into(&mut self.said);
            heard.push(Heard::Text(said.to_owned()));
        }
    }

    fn complain(&mut self, message: Option<&str>, heard: &mut Vec<Heard>) {
        let message = message.unwrap_or("unknown error");
        self.error = Some(message.to_owned());
        heard.push(Heard::Notice(format!("codex: {message}")));
    }

    /// A turn of its is the work up to an answer; it does not say how many replies that took.
    fn turn(&mut self, sum: Usage, heard: &mut Vec<Heard>) {
        let before = std::mem::replace(&mut self.counted, sum);
        let usage = Usage {
            input: sum.input.saturating_sub(before.input),
            output: sum.output.saturating_sub(before.output),
            cache_read: sum.cache_read.saturating_sub(before.cache_read),
            cache_write: 0,
        };
        heard.push(Heard::Turn { usage, stop: Some(Stop::End) });
    }

    fn done(&mut self, last: Option<&str>, heard: &mut Vec<Heard>) {
        self.ended = true;
        heard.push(Heard::Done(last.unwrap_or(&self.said).to_owned()));
    }

    fn item(&mut self, item: &Value, heard: &mut Vec<Heard>) {
        // One version had another name for the type, and for the text.
        match text(item, &["/type", "/item_type"]) {
            Some("agent_message" | "assistant_message") => {
                self.say(text(item, &["/text"]), heard);
            }
            Some("reasoning") => {
                let thought = text(item, &["/text"]).filter(|text| !text.is_empty());
                heard.extend(thought.map(|text| Heard::Thinking(text.to_owned())));
            }
            Some("error") => {
                let message = text(item, &["/message"]).unwrap_or("unknown error");
                heard.push(Heard::Notice(format!("codex: {message}")));
            }
            Some("file_change" | "web_search") => {
                // Comes only when it is over.
                heard.extend(tool_start(item));
                heard.extend(tool_end(item));
            }
            Some(_) | None => heard.extend(tool_end(item)),
        }
    }

    /// A message of versions before 0.41.
    fn message(&mut self, msg: &Value, heard: &mut Vec<Heard>) {
        let call = || text(msg, &["/call_id"]).unwrap_or_default().to_owned();
        match text(msg, &["/type"]) {
            Some("agent_message") => self.say(text(msg, &["/message"]), heard),
            Some("agent_reasoning") => {
                let thought = text(msg, &["/text"]).map(str::to_owned);
                heard.extend(thought.map(Heard::Thinking));
            }
            Some("exec_command_begin") => {
                let cmd = command(&msg["command"]);
                let input = msg["command"].to_string();
                heard.push(Heard::ToolStart {
                    call: call(),
                    tool: "bash".to_owned(),
                    input,
                    cmd: Some(cmd),
                });
            }
            Some("exec_command_end") => {
                let exit = exit(msg);
                let whole = text(msg, &["/aggregated_output"]).map(str::to_owned);
                let parts =
                    || ["/stdout", "/stderr"].map(|at| text(msg, &[at]).unwrap_or_default());
                let result = whole.unwrap_or_else(|| parts().concat());
                let is_error = exit.is_some_and(|exit| exit != 0);
                heard.push(Heard::ToolEnd { call: call(), exit, is_error, result });
            }
            Some("token_count") => {
                let sum = &msg["info"]["total_token_usage"];
                let sum = usage(if sum.is_object() { sum } else { msg });
                if sum.total() > self.counted.total() {
                    self.turn(sum, heard);
                }
            }
            Some("task_complete") => self.done(text(msg, &["/last_agent_message"]), heard),
            Some("error") => self.complain(text(msg, &["/message"]), heard),
            Some("stream_error") => {
                let message = text(msg, &["/message"]).unwrap_or("the reply was cut");
                heard.push(Heard::Notice(format!("codex: {message}")));
            }
            Some(_) | None => {}
        }
    }
}

fn start(item: &Value, heard: &mut Vec<Heard>) {
    match text(item, &["/type", "/item_type"]) {
        Some("file_change" | "web_search") => {}
        Some(_) | None => heard.extend(tool_start(item)),
    }
}

/// The tool that an item stands for; none when it is no tool.
fn tool_start(item: &Value) -> Option<Heard> {
    let (tool, input, cmd) = match text(item, &["/type", "/item_type"])? {
        "command_execution" => {
            let cmd = command(&item["command"]);
            ("bash".to_owned(), serde_json::json!({"command": cmd}), Some(cmd))
        }
        "file_change" => {
            let path = item.pointer("/changes/0/path").cloned().unwrap_or_default();
            let more = item["changes"].as_array().map_or(0, Vec::len);
            ("edit".to_owned(), serde_json::json!({"path": path, "files": more}), None)
        }
        "web_search" => {
            ("web_search".to_owned(), serde_json::json!({"query": item["query"]}), None)
        }
        "mcp_tool_call" => {
            let name = text(item, &["/tool"]).unwrap_or("tool");
            let tool = format!("{}__{name}", text(item, &["/server"]).unwrap_or("mcp"));
            (tool, item["arguments"].clone(), None)
        }
        _ => return None,
    };
    Some(Heard::ToolStart { call: id(item), tool, input: input.to_string(), cmd })
}

fn tool_end(item: &Value) -> Option<Heard> {
    let result = match text(item, &["/type", "/item_type"])? {
        "command_execution" => text(item, &["/aggregated_output"]).unwrap_or_default().to_owned(),
        "file_change" => item["changes"].to_string(),
        "web_search" => String::new(),
        "mcp_tool_call" => {
            let parts = item.pointer("/result/content").and_then(Value::as_array);
            let texts = parts.into_iter().flatten().filter_map(|part| text(part, &["/text"]));
            let error = text(item, &["/error/message"]).map(str::to_owned);
            error.unwrap_or_else(|| texts.collect::<Vec<_>>().join("\n"))
        }
        _ => return None,
    };
    let exit = exit(item);
    let refused = matches!(text(item, &["/status"]), Some("failed" | "declined"));
    let is_error = refused || exit.is_some_and(|exit| exit != 0);
    Some(Heard::ToolEnd { call: id(item), exit, is_error, result })
}

fn id(item: &Value) -> String {
    text(item, &["/id"]).unwrap_or_default().to_owned()
}

fn exit(value: &Value) -> Option<i32> {
    value["exit_code"].as_i64().and_then(|code| i32::try_from(code).ok())
}

/// The command as the model wrote it, without the shell around it.
fn command(value: &Value) -> String {
    let words: Vec<&str> = match value {
        Value::Array(words) => words.iter().filter_map(Value::as_str).collect(),
        other => return unshelled(other.as_str().unwrap_or_default()),
    };
    match words[..] {
        [_, "-lc" | "-c", script] => script.to_owned(),
        _ => words.join(" "),
    }
}

/// `/bin/bash -lc 'ls -la'` is `ls -la`.
fn unshelled(line: &str) -> String {
    let quoted = line.split_once(" -lc ").filter(|(shell, _)| !shell.contains(' '));
    let Some((_, script)) = quoted else { return line.to_owned() };
    let inner = |quote: char| {
        let inner = script.strip_prefix(quote)?.strip_suffix(quote)?;
        (!inner.contains(quote)).then(|| inner.to_owned())
    };
    inner('\'').or_else(|| inner('"')).unwrap_or_else(|| script.to_owned())
}

/// Its input counts what came from the cache, ours does not.
fn usage(value: &Value) -> Usage {
    let of = |name: &str| count(value, &[name]).unwrap_or(0);
    let cached = of("/cached_input_tokens");
    Usage {
        input: of("/input_tokens").saturating_sub(cached),
        output: of("/output_tokens"),
        cache_read: cached,
        cache_write: 0,
    }
}

/// All it gives is a sentence. The status of the provider's answer stands in most of them; a quota
/// that is used up has a sentence of its own.
fn failed(message: Option<&str>) -> Failed {
    let message = message.unwrap_or("unknown error");
    let status = message.split_once("status").and_then(|(_, after)| {
        let digits = after.trim_start_matches(|c: char| !c.is_ascii_digit());
        digits.get(..3)?.parse().ok()
    });
    let kind = match status.map(Kind::of_status) {
        Some(kind) => kind,
        None if message.contains("usage limit") => Kind::Limited,
        None if message.contains("stream disconnected") => Kind::Unavailable,
        None => Kind::Other,
    };
    Failed { kind, message: super::report::cut(message, 500) }
}

#[cfg(test)]
mod tests;
