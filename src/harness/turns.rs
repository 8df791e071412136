//! The model loop: ask, use the tools that the reply wants, ask again, until the model has nothing
//! more to do.
//!
//! Everything that may end or change a run happens between two turns: what a person said is added,
//! the budget is looked at, the conversation is made shorter.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::json;

use super::host::{Host, Over};
use super::patience::{Patience, Verdict};
use super::report::{self, ToolEnd, ToolUse};
use super::tools::{Done, Workshop, is_read_only};
use super::{End, Job, Meter, compact};
use crate::ambient;
use crate::llm::chain::{Move, Why};
use crate::llm::recording::Recording;
use crate::llm::{
    self, Arguments, Call, CallResult, Chain, Fault, FaultKind, Message, Model, ModelSpec, Part,
    Price, Reply, Request, Stop,
};
use crate::log::Redactor;

/// Replies in a row that were cut at their longest length.
const CUT_MAX: u32 = 3;
/// Replies in a row with nothing in them.
const EMPTY_MAX: u32 = 2;
/// Answers to the question whether a run over its budget may go on.
const GO_ON: &str = "go on";
const STOP: &str = "stop";

/// One of the agent's models, ready to be asked.
pub struct Mind {
    spec: ModelSpec,
    model: Box<dyn Model>,
    price: Option<Price>,
    /// Tokens of a request and its reply together.
    window: u32,
}

impl Mind {
    fn new(spec: &ModelSpec, model: Box<dyn Model>) -> Self {
        let (price, window) = (llm::price::price(spec), llm::known::limits(spec).context_window);
        Self { spec: spec.clone(), model, price, window }
    }
}

/// The models of a job, in the order of preference.
///
/// # Errors
/// When one cannot be asked as it is configured.
pub fn minds(job: &Job) -> Result<Vec<Mind>, Fault> {
    let recording = match (&job.record, job.models.first()) {
        (Some(file), Some(spec)) => {
            let redactor = Redactor::new(job.secrets.iter().map(String::as_str).chain(job.keys()));
            let clean = move |text: &str| redactor.text(text).into_owned();
            Some(Recording::create(file, spec, Arc::new(clean))?)
        }
        (Some(_), None) | (None, _) => None,
    };
    let mind = |spec: &ModelSpec| {
        let model = llm::connect(spec)?;
        let model = match &recording {
            Some(recording) => recording.of(model, &spec.name),
            None => model,
        };
        Ok(Mind::new(spec, model))
    };
    job.models.iter().map(mind).collect()
}

/// A run of the builtin engine.
pub struct Turns<'a> {
    job: &'a Job,
    shop: &'a Workshop,
    host: Option<Host>,
    meter: &'a mut Meter,
    minds: Vec<Mind>,
    chain: Chain,
    request: Request,
    task: String,
    /// What the summary says of turns that are no longer in the conversation.
    summary: Option<String>,
    /// Tokens of the conversation when it was last counted by a provider, and its length then.
    counted: (u64, usize),
    /// The last thing a person said that the model knows of.
    heard: u64,
    turn: u32,
    patience: Patience,
    cut: u32,
    empty: u32,
}

impl<'a> Turns<'a> {
    pub fn new(
        job: &'a Job,
        minds: Vec<Mind>,
        shop: &'a Workshop,
        meter: &'a mut Meter,
        system: String,
        user: String,
    ) -> Self {
        Self {
            job,
            shop,
            host: Host::here(),
            meter,
            chain: Chain::new(minds.len()),
            minds,
            request: Request {
                system,
                messages: vec![Message::User(user.clone())],
                tools: shop.tools(),
            },
            task: user,
            summary: None,
            counted: (0, 0),
            heard: 0,
            turn: 0,
            patience: Patience::default(),
            cut: 0,
            empty: 0,
        }
    }

    /// Works until the end.
    pub async fn run(mut self) -> End {
        if let Some(end) = self.mind_budget().await {
            return end;
        }
        loop {
            self.listen().await;
            self.turn += 1;
            let reply = match self.ask().await {
                Ok(reply) => reply,
                Err(end) => return end,
            };
            if let Some(end) = self.take(reply).await
                && (end.code != 0 || !self.listen().await)
            {
                return end;
            }
            // What is done is done, whatever it cost; what goes on has to be within its budget.
            if let Some(end) = self.mind_budget().await {
                return end;
            }
        }
    }

    /// Adds what a person said meanwhile. False when nobody said anything.
    async fn listen(&mut self) -> bool {
        let Some(host) = &self.host else { return false };
        let said = host.said(self.heard).await;
        for said in &said {
            report::operator(self.turn, &said.by, &said.text);
            self.heard = self.heard.max(said.seq);
            let text = format!(
                "<operator-message from={:?}>\n{}\n</operator-message>",
                said.by, said.text
            );
            self.request.messages.push(Message::User(text));
        }
        !said.is_empty()
    }

    /// Reports what was used; the end of the run when that is too much.
    async fn mind_budget(&self) -> Option<End> {
        let host = self.host.as_ref()?;
        let over = host.spent(&self.meter.spent()).await?;
        report::warn(&over.sentence(), json!({"limit": over.limit, "then": over.then}));
        if over.then == "ask" && may_go_on(host, &over).await {
            return None;
        }
        Some(End::aborted(over.sentence()))
    }

    /// A reply to the conversation, from the first model that gives one.
    async fn ask(&mut self) -> Result<Reply, End> {
        let mut too_long = 0;
        loop {
            let at = match self.chain.next(now_ms(), chance()) {
                Move::Use(at) => at,
                Move::Wait { ms } => {
                    report::warn("all models exhausted, backing off", json!({"delayMs": ms}));
                    tokio::time::sleep(Duration::from_millis(ms)).await;
                    continue;
                }
                Move::Exhausted { why } => return Err(no_model(why)),
            };
            self.shorten_if_long(at).await;
            let fault = match self.ask_one(at).await {
                Ok(reply) => {
                    self.chain.answered(at);
                    return Ok(reply);
                }
                Err(fault) => fault,
            };
            self.tell_fault(at, &fault);
            self.chain.failed(at, &fault, now_ms(), chance());
            if fault.kind == FaultKind::TooLong {
                // What the provider counts is more than we thought: keep half as much.
                too_long += 1;
                let window = self.minds[at].window >> too_long;
                if !self.shorten(at, window).await {
                    let why = format!("the task alone is too long for the model: {fault}");
                    return Err(End::aborted(why));
                }
            }
        }
    }

    fn tell_fault(&self, at: usize, fault: &Fault) {
        let mind = &self.minds[at];
        let mut fields = told(fault);
        fields["model"] = mind.spec.name.as_str().into();
        fields["provider"] = mind.spec.provider.as_str().into();
        let msg = match fault.kind {
            FaultKind::RateLimited | FaultKind::Overloaded => "rate limited, trying next model",
            FaultKind::TooLong => "the conversation is too long for the model",
            FaultKind::Server
            | FaultKind::Unreachable
            | FaultKind::Cut
            | FaultKind::Auth
            | FaultKind::Forbidden
            | FaultKind::NotFound
            | FaultKind::Rejected
            | FaultKind::Setup => "model failed",
        };
        report::warn(msg, fields);
    }

    /// Asks one model once, within its slots, and counts what it used.
    async fn ask_one(&mut self, at: usize) -> Result<Reply, Fault> {
        let mind = &self.minds[at];
        let slot = match (&self.host, mind.spec.slots) {
            (Some(host), Some(_)) => host.take_slot(&mind.spec.name).await.then_some(host),
            _ => None,
        };
        let began = Instant::now();
        let reply = mind.model.ask(&self.request, &mut |_| {}).await;
        let took = began.elapsed();
        if let Some(host) = slot {
            host.free_slot(&mind.spec.name).await;
        }
        let reply = reply?;
        let cost = mind.price.map(|price| price.cost_micros(reply.usage));
        self.meter.count(reply.usage, cost);
        let size = reply.usage.read() + reply.usage.output;
        self.counted = (size, self.request.messages.len() + 1);
        tell_reply(self.turn, &reply);
        report::turn(report::Turn {
            turn: self.turn,
            model: &mind.spec.name,
            provider: &mind.spec.provider,
            took,
            stop: Some(reply.stop),
            usage: reply.usage,
            cost_micros: cost,
        });
        Ok(reply)
    }

    /// Does what a reply wants; the end when it wants nothing.
    async fn take(&mut self, reply: Reply) -> Option<End> {
        let calls: Vec<Call> = reply.calls().cloned().collect();
        let (stop, text, is_empty) = (reply.stop, reply.text(), reply.parts.is_empty());
        if !is_empty {
            self.request.messages.push(Message::Assistant(reply.parts));
        }
        self.cut = if stop == Stop::Length && calls.is_empty() { self.cut + 1 } else { 0 };
        self.empty = if is_empty { self.empty + 1 } else { 0 };
        if !calls.is_empty() {
            return self.use_tools(&calls).await;
        }
        match stop {
            Stop::Refused => Some(End::aborted("the provider refused the reply for its content")),
            Stop::Length if self.cut >= CUT_MAX => Some(End::aborted(format!(
                "{CUT_MAX} replies in a row were cut at the longest length the model may have: \
                 raise `maxTokens`"
            ))),
            Stop::Length => {
                self.tell("Your reply was cut at its longest length. Go on where it ended.");
                None
            }
            Stop::End | Stop::Calls if is_empty && self.empty < EMPTY_MAX => {
                self.tell("Your reply was empty. Go on, or say in a sentence that you are done.");
                None
            }
            Stop::End | Stop::Calls => Some(End::with_text(text)),
        }
    }

    fn tell(&mut self, text: &str) {
        self.request.messages.push(Message::User(text.to_owned()));
    }

    /// Uses the tools one after the other; all at once where nothing is changed by them.
    async fn use_tools(&mut self, calls: &[Call]) -> Option<End> {
        let at_once = calls.iter().all(|call| is_read_only(&call.tool));
        let results = if at_once {
            join_all(calls.iter().map(|call| use_tool(self.shop, self.turn, call))).await
        } else {
            let mut results = Vec::with_capacity(calls.len());
            for call in calls {
                results.push(use_tool(self.shop, self.turn, call).await);
            }
            results
        };
        let mut end = None;
        let mut told = Vec::with_capacity(calls.len());
        for (call, done) in calls.iter().zip(results) {
            let mut text = done.text;
            match self.patience.saw(call, &text, done.is_error) {
                Verdict::GoOn => {}
                Verdict::Hint(hint) => text = format!("{text}\n\n{hint}"),
                Verdict::Stop(why) => end = Some(End::aborted(why)),
            }
            told.push(CallResult {
                id: call.id.clone(),
                tool: call.tool.clone(),
                text,
                is_error: done.is_error,
            });
        }
        self.request.messages.push(Message::Results(told));
        end
    }

    async fn shorten_if_long(&mut self, at: usize) {
        let window = self.minds[at].window;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let limit = (f64::from(window) * self.job.compact_at) as u64;
        if self.tokens() > limit {
            self.shorten(at, window).await;
        }
    }

    /// Tokens of the conversation: what a provider counted last and a guess at what came since, or a
    /// guess at all of it, because some servers do not count.
    fn tokens(&self) -> u64 {
        let messages = &self.request.messages;
        let (counted, known) = self.counted;
        let since = compact::estimate(&messages[known.min(messages.len())..]);
        (counted + since).max(compact::estimate(messages))
    }

    /// Makes the conversation shorter. False when there is nothing to take out.
    async fn shorten(&mut self, at: usize, window: u32) -> bool {
        let messages = &self.request.messages;
        let Some(keep) = compact::cut(messages, window) else { return false };
        let before = compact::estimate(messages);
        let shorter = match self.sum_up(at, keep).await {
            Some(summary) => {
                let shorter =
                    compact::with_summary(&self.request.messages, keep, &self.task, &summary);
                self.summary = Some(summary);
                shorter
            }
            None => compact::with_stumps(&self.request.messages, keep),
        };
        let after = compact::estimate(&shorter);
        let fields = json!({
            "messagesBefore": self.request.messages.len(),
            "messages": shorter.len(),
            "tokensBefore": before,
            "tokens": after,
        });
        report::info("conversation made shorter", fields);
        self.request.messages = shorter;
        self.counted = (0, 0);
        after < before
    }

    /// What happened up to message `keep`, in a model's words; none when it does not say.
    async fn sum_up(&mut self, at: usize, keep: usize) -> Option<String> {
        let mut text = format!("The task of the agent:\n{}\n\n", self.task);
        if let Some(summary) = &self.summary {
            text.push_str(&format!("Notes so far:\n{summary}\n\n"));
        }
        text.push_str("The record:\n\n");
        text.push_str(&compact::record(&self.request.messages[1..keep]));
        let request = Request {
            system: compact::SUMMARY_SYSTEM.to_owned(),
            messages: vec![Message::User(text)],
            tools: Arc::from([]),
        };
        let mind = &self.minds[at];
        match mind.model.ask(&request, &mut |_| {}).await {
            Ok(reply) => {
                let cost = mind.price.map(|price| price.cost_micros(reply.usage));
                self.meter.count(reply.usage, cost);
                Some(reply.text()).filter(|text| !text.trim().is_empty())
            }
            Err(fault) => {
                report::warn("no summary of the conversation can be had", told(&fault));
                None
            }
        }
    }
}

fn now_ms() -> u64 {
    u64::try_from(ambient::now_ms()).unwrap_or(0)
}

/// Between 0 and 1, so that runs which failed together do not come back together.
fn chance() -> f64 {
    let bytes = ambient::random::<2>().unwrap_or_default();
    f64::from(u16::from_be_bytes(bytes)) / f64::from(u16::MAX)
}

/// The end of a run that has nobody left to ask.
fn no_model(why: Why) -> End {
    match why {
        Why::Passes(fault) => End::exhausted(format!("no model could be reached: {fault}")),
        Why::Unusable(fault) => End::aborted(format!("no model can be used: {fault}")),
        Why::Rejected(fault) => End::aborted(format!("the model refuses the request: {fault}")),
        Why::Empty => End::aborted("the agent has no model"),
    }
}

/// Asks a person whether a run over its budget may go on.
async fn may_go_on(host: &Host, over: &Over) -> bool {
    let question = format!("{}; may it go on with as much again?", over.sentence());
    let answer = host.ask(&question, &[GO_ON, STOP]).await;
    let yes = answer.as_deref().is_some_and(|answer| answer.trim().eq_ignore_ascii_case(GO_ON));
    if yes {
        host.allow_more(&over.limit).await;
    }
    yes
}

/// Uses one tool and says so.
async fn use_tool(shop: &Workshop, turn: u32, call: &Call) -> Done {
    let of = ToolUse { turn, call: &call.id, tool: &call.tool };
    let began = Instant::now();
    let (done, cmd) = match &call.arguments {
        Arguments::Valid(arguments) => {
            let cmd = (call.tool == "bash").then(|| arguments.get("command")?.as_str()).flatten();
            match cmd {
                Some(cmd) => report::bash(of, cmd),
                None => report::tool_start(of, &json!(arguments).to_string()),
            }
            (shop.use_tool(&call.tool, arguments).await, cmd)
        }
        Arguments::Malformed(text) => {
            report::tool_start(of, text);
            let text =
                "The arguments are no JSON object, so nothing was done. Call the tool again \
                        with arguments as its schema says."
                    .to_owned();
            (Done { text, is_error: true, exit: None }, None)
        }
    };
    report::tool_end(
        of,
        ToolEnd {
            took: began.elapsed(),
            exit: done.exit,
            result: &done.text,
            is_error: done.is_error,
            cmd,
        },
    );
    done
}

fn tell_reply(turn: u32, reply: &Reply) {
    for part in &reply.parts {
        match part {
            Part::Text(text) if !text.trim().is_empty() => report::assistant(turn, text),
            Part::Thinking { text, .. } if !text.trim().is_empty() => report::thinking(turn, text),
            Part::Text(_) | Part::Thinking { .. } | Part::Call(_) => {}
        }
    }
}

fn told(fault: &Fault) -> serde_json::Value {
    json!({"kind": fault.kind, "status": fault.status, "error": fault.message})
}

#[cfg(test)]
mod tests;
