//! The engine `claude`: Claude Code without a terminal, `claude -p --output-format stream-json`.

use std::collections::{BTreeMap, HashSet};

use serde_json::Value;

use super::cli_engine::{
    self, Dialect, Failed, Heard, Invocation, Kind, Named, Place, choose, count, secret, text,
};
use super::{End, Job, Meter};
use crate::llm::{Auth, ModelSpec, Stop, Thinking, Usage};

const PROGRAM: &str = "claude";
const PROVIDER: &str = "anthropic";
/// The longest system prompt as an argument; Linux takes 128 KiB. A longer one stands before the
/// user's.
const ARGUMENT_MAX: usize = 100 * 1024;

/// Works with Claude Code until it has ended.
pub async fn run(job: &Job, system: &str, user: &str, meter: &mut Meter) -> End {
    match invocation(job, system, user) {
        Ok(invocation) => {
            let (mut dialect, place) = (Claude::default(), Place::here());
            cli_engine::run(&invocation, &mut dialect, &place, meter).await
        }
        Err(why) => End::aborted(why),
    }
}

/// How it is asked to work.
///
/// # Errors
/// When none of the agent's models is one that it can ask.
pub fn invocation(job: &Job, system: &str, user: &str) -> Result<Invocation, String> {
    let spec = choose(&job.models, PROGRAM, PROVIDER)?;
    let words = ["-p", "--output-format", "stream-json", "--verbose", "--include-partial-messages"];
    let mut args: Vec<String> = words.map(str::to_owned).into();
    // Nobody is there to allow a tool; the runtime is the fence.
    args.extend(["--permission-mode", "bypassPermissions"].map(str::to_owned));
    if let Some(spec) = spec {
        args.extend(["--model".to_owned(), spec.model.clone()]);
    }
    let stdin = if system.len() <= ARGUMENT_MAX {
        args.extend(["--append-system-prompt".to_owned(), system.to_owned()]);
        user.to_owned()
    } else {
        format!("{system}\n\n{user}")
    };
    let mut env = vec![("DISABLE_AUTOUPDATER", "1".to_owned())];
    if job.place == super::Place::Container {
        env.push(("IS_SANDBOX", "1".to_owned())); // else it refuses to work alone as root
    }
    if let Some(spec) = spec {
        env.extend(sign_in(spec));
        env.extend(spec.thinking.map(|thinking| ("MAX_THINKING_TOKENS", tokens(thinking))));
    }
    let model = Named::of(spec, PROGRAM, PROVIDER);
    Ok(Invocation { program: PROGRAM, args, env, stdin, model })
}

/// The variables that hold the key and the address of a model.
fn sign_in(spec: &ModelSpec) -> Vec<(&'static str, String)> {
    let mut env = Vec::new();
    if let Some(url) = &spec.base_url {
        env.push(("ANTHROPIC_BASE_URL", url.clone()));
    }
    let variable = match &spec.auth {
        Auth::Bearer(_) if spec.base_url.is_some() => "ANTHROPIC_AUTH_TOKEN",
        Auth::Bearer(_) => "CLAUDE_CODE_OAUTH_TOKEN",
        Auth::Key(_) | Auth::None => "ANTHROPIC_API_KEY",
    };
    env.extend(secret(spec).map(|secret| (variable, secret.to_owned())));
    env
}

fn tokens(thinking: Thinking) -> String {
    let tokens = match thinking {
        Thinking::Off => 0,
        Thinking::Minimal => 1024,
        Thinking::Low => 4096,
        Thinking::Medium => 10_000,
        Thinking::High => 20_000,
        Thinking::Xhigh => 31_999,
    };
    tokens.to_string()
}

/// What its lines mean. Replies of its sub-agents come in between and count like its own.
#[derive(Debug, Default)]
pub struct Claude {
    /// Replies that are on their way, by the call that a sub-agent works for.
    open: BTreeMap<String, Reply>,
    /// Replies that were counted.
    counted: HashSet<String>,
    /// The kind of the last error that stood beside a reply.
    failed: Option<Kind>,
}

#[derive(Debug, Default)]
struct Reply {
    id: String,
    usage: Usage,
    stop: Option<Stop>,
    has_calls: bool,
}

impl Dialect for Claude {
    fn line(&mut self, line: &Value, heard: &mut Vec<Heard>) {
        let whose = text(line, &["/parent_tool_use_id"]).unwrap_or_default();
        match text(line, &["/type"]) {
            Some("assistant") => self.assistant(line, whose, heard),
            Some("user") => {
                self.close(whose, heard);
                tool_results(line, heard);
            }
            Some("stream_event") => self.stream(&line["event"], whose, heard),
            Some("system") if text(line, &["/subtype"]) == Some("api_retry") => {
                let status = count(line, &["/error_status"]);
                let status =
                    status.map_or(String::new(), |status| format!(" after status {status}"));
                heard.push(Heard::Notice(format!("claude asks its model again{status}")));
            }
            Some("result") => self.result(line, heard),
            Some(_) | None => {}
        }
    }

    fn end(&mut self, heard: &mut Vec<Heard>) {
        self.close_all(heard);
    }
}

impl Claude {
    /// A part of a reply, or all of it: a reply comes once for each of its blocks.
    fn assistant(&mut self, line: &Value, whose: &str, heard: &mut Vec<Heard>) {
        let message = &line["message"];
        if let Some(error) = text(line, &["/error"]) {
            self.failed = Some(kind(error));
        }
        // What the program says itself is no reply of a model.
        let synthetic = text(message, &["/model"]) == Some("<synthetic>");
        if !synthetic {
            let id = text(message, &["/id"]).unwrap_or_default();
            self.begin(whose, id, heard);
        }
        let calls = blocks(&message["content"], heard);
        let Some(reply) = self.open.get_mut(whose).filter(|_| !synthetic) else { return };
        reply.has_calls |= calls;
        reply.usage = larger(reply.usage, usage(&message["usage"]));
        reply.stop = text(message, &["/stop_reason"]).and_then(stop).or(reply.stop);
    }

    /// The reply as it is written, for what only stands there: the final count of its tokens.
    fn stream(&mut self, event: &Value, whose: &str, heard: &mut Vec<Heard>) {
        match text(event, &["/type"]) {
            Some("message_start") => {
                let id = text(event, &["/message/id"]).unwrap_or_default();
                self.begin(whose, id, heard);
                if let Some(reply) = self.open.get_mut(whose) {
                    reply.usage = larger(reply.usage, usage(&event["message"]["usage"]));
                }
            }
            Some("message_delta") => {
                let Some(reply) = self.open.get_mut(whose) else { return };
                reply.usage = larger(reply.usage, usage(&event["usage"]));
                reply.stop = text(event, &["/delta/stop_reason"]).and_then(stop).or(reply.stop);
            }
            Some("message_stop") => self.close(whose, heard),
            Some(_) | None => {}
        }
    }

    fn begin(&mut self, whose: &str, id: &str, heard: &mut Vec<Heard>) {
        if self.counted.contains(id) || self.open.get(whose).is_some_and(|reply| reply.id == id) {
            return;
        }
        self.close(whose, heard);
        self.open.insert(whose.to_owned(), Reply { id: id.to_owned(), ..Reply::default() });
    }

    fn close(&mut self, whose: &str, heard: &mut Vec<Heard>) {
        let Some(reply) = self.open.remove(whose) else { return };
        if !reply.id.is_empty() {
            self.counted.insert(reply.id);
        }
        let told = if reply.has_calls { Stop::Calls } else { Stop::End };
        heard.push(Heard::Turn { usage: reply.usage, stop: reply.stop.or(Some(told)) });
    }

    fn close_all(&mut self, heard: &mut Vec<Heard>) {
        while let Some(whose) = self.open.keys().next().cloned() {
            self.close(&whose, heard);
        }
    }

    fn result(&mut self, line: &Value, heard: &mut Vec<Heard>) {
        self.close_all(heard);
        let by_model = line["modelUsage"].as_object().into_iter().flatten();
        let all = by_model.fold(Usage::default(), |mut sum, (_, of)| {
            sum.add(usage(of));
            sum
        });
        let usage = if all.total() > 0 { all } else { usage(&line["usage"]) };
        heard.push(Heard::Sum { usage, cost_micros: cost_micros(line) });
        let said = text(line, &["/result"]).unwrap_or_default();
        let subtype = text(line, &["/subtype"]).unwrap_or("success");
        let failed = line["is_error"] == true || subtype.starts_with("error");
        heard.push(match failed {
            true => Heard::Failed(self.failure(line, subtype, said)),
            false => Heard::Done(said.to_owned()),
        });
    }

    fn failure(&self, line: &Value, subtype: &str, said: &str) -> Failed {
        let status = count(line, &["/api_error_status"]).or_else(|| api_status(said));
        let kind = match subtype {
            "error_max_turns" | "error_max_budget_usd" => Kind::Turns,
            _ => status.map(Kind::of_status).or(self.failed).unwrap_or(Kind::Other),
        };
        let message = match (said, line.pointer("/errors/0").and_then(Value::as_str)) {
            ("", Some(error)) => error.to_owned(),
            ("", None) => subtype.replace('_', " "),
            (said, _) => said.to_owned(),
        };
        Failed { kind, message: super::report::cut(&message, 500) }
    }
}

/// Texts, thoughts and calls; true when there is a call among them.
fn blocks(content: &Value, heard: &mut Vec<Heard>) -> bool {
    let mut calls = false;
    if let Some(text) = content.as_str().filter(|text| !text.trim().is_empty()) {
        heard.push(Heard::Text(text.to_owned()));
    }
    for block in content.as_array().into_iter().flatten() {
        match text(block, &["/type"]) {
            Some("text") => {
                let said = text(block, &["/text"]).filter(|said| !said.trim().is_empty());
                heard.extend(said.map(|said| Heard::Text(said.to_owned())));
            }
            Some("thinking") => {
                let thought = text(block, &["/thinking"]).filter(|text| !text.trim().is_empty());
                heard.extend(thought.map(|thought| Heard::Thinking(thought.to_owned())));
            }
            Some("tool_use" | "server_tool_use" | "mcp_tool_use") => {
                calls = true;
                heard.push(tool_start(block));
            }
            Some(_) | None => {}
        }
    }
    calls
}

fn tool_start(block: &Value) -> Heard {
    let name = text(block, &["/name"]).unwrap_or("tool");
    // Its own tools are named like ours, so that records read the same.
    let tool = if name.contains('_') { name.to_owned() } else { name.to_ascii_lowercase() };
    let cmd = text(block, &["/input/command"]).filter(|_| tool == "bash").map(str::to_owned);
    let call = text(block, &["/id"]).unwrap_or_default().to_owned();
    Heard::ToolStart { call, tool, input: block["input"].to_string(), cmd }
}

fn tool_results(line: &Value, heard: &mut Vec<Heard>) {
    for block in line["message"]["content"].as_array().into_iter().flatten() {
        if text(block, &["/type"]) != Some("tool_result") {
            continue;
        }
        let result = match &block["content"] {
            Value::String(text) => text.clone(),
            Value::Array(parts) => {
                let texts = parts.iter().filter_map(|part| text(part, &["/text"]));
                texts.collect::<Vec<_>>().join("\n")
            }
            _ => String::new(),
        };
        let is_error = block["is_error"] == true;
        heard.push(Heard::ToolEnd {
            call: text(block, &["/tool_use_id"]).unwrap_or_default().to_owned(),
            exit: exit_code(&result).filter(|_| is_error),
            is_error,
            result,
        });
    }
}

/// Its shell says `Exit code 2` in the first line of a failure, and nothing of a success.
fn exit_code(result: &str) -> Option<i32> {
    let words = result.strip_prefix("Error: ").unwrap_or(result);
    let rest = words.strip_prefix("Exit code ").or_else(|| words.strip_prefix("exit code "))?;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// Both spellings: that of the API and that of sums by model.
fn usage(value: &Value) -> Usage {
    let of = |api: &str, sum: &str| count(value, &[api, sum]).unwrap_or(0);
    Usage {
        input: of("/input_tokens", "/inputTokens"),
        output: of("/output_tokens", "/outputTokens"),
        cache_read: of("/cache_read_input_tokens", "/cacheReadInputTokens"),
        cache_write: of("/cache_creation_input_tokens", "/cacheCreationInputTokens"),
    }
}

/// Counts of one reply only grow while it is written.
fn larger(a: Usage, b: Usage) -> Usage {
    Usage {
        input: a.input.max(b.input),
        output: a.output.max(b.output),
        cache_read: a.cache_read.max(b.cache_read),
        cache_write: a.cache_write.max(b.cache_write),
    }
}

/// Older versions had other names for it.
fn cost_micros(line: &Value) -> Option<u64> {
    let names = ["total_cost_usd", "cost_usd", "total_cost"];
    let dollars = names.iter().find_map(|name| line[*name].as_f64())?;
    Some((dollars * 1e6).round().max(0.0) as u64)
}

fn stop(word: &str) -> Option<Stop> {
    match word {
        "end_turn" | "stop_sequence" => Some(Stop::End),
        "tool_use" | "pause_turn" => Some(Stop::Calls),
        "max_tokens" | "model_context_window_exceeded" => Some(Stop::Length),
        "refusal" => Some(Stop::Refused),
        _ => None,
    }
}

/// The kinds of errors that stand beside a reply.
fn kind(error: &str) -> Kind {
    match error {
        "authentication_failed" | "billing_error" | "oauth_org_not_allowed" => Kind::Auth,
        "rate_limit" => Kind::Limited,
        "server_error" | "overloaded" => Kind::Unavailable,
        _ => Kind::Other,
    }
}

/// `API Error: 529 {...}`
fn api_status(said: &str) -> Option<u64> {
    let rest = said.strip_prefix("API Error: ")?;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests;
