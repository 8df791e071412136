//! `al-call`, `al-check`, `al-wait`: runs that this run asks for.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::gateway::{ANSWERS_IN, Answer, Gateway, may_change, pass_on, path_of};
use super::patience::Patience;
use super::usage::{Given, Misuse};
use super::{FAILED, Reply, TIME_OVER};
use crate::signal::CONTEXT_MAX;

/// How long `al-wait` waits unless told.
const WAIT: Duration = Duration::from_secs(900);
/// How often it asks: short calls return fast, long ones are not pestered.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

pub(super) fn call(gateway: &Gateway, given: &Given) -> Result<Reply, Misuse> {
    let agent = given.word()?;
    let context = match given.input(CONTEXT_MAX) {
        Ok(context) => context,
        Err(error) => {
            let text = format!("cannot read the context from stdin: {error}");
            return Ok(Reply::json(&json!({"ok": false, "reason": text}), FAILED));
        }
    };
    if context.len() > CONTEXT_MAX {
        return Err(Misuse::Says(format!("the context is longer than {CONTEXT_MAX} bytes")));
    }
    let mut body = json!({"targetAgent": agent, "context": context});
    if let Some(key) = given.text("key") {
        body["key"] = json!(key);
    }
    Ok(pass_on(gateway.begin("/calls", body)))
}

pub(super) fn check(gateway: &Gateway, given: &Given) -> Result<Reply, Misuse> {
    Ok(pass_on(gateway.get(&path_of("/calls", given.word()?))))
}

pub(super) fn wait(gateway: &Gateway, given: &Given) -> Result<Reply, Misuse> {
    let ids = given.words();
    if ids.is_empty() || ids.contains(&"") {
        return Err(Misuse::Form);
    }
    let mut calls: Vec<Call> = ids.into_iter().map(Call::new).collect();
    let mut patience = Patience::new(given.span("timeout")?.unwrap_or(WAIT));
    let mut pause = FIRST_PAUSE;
    loop {
        for call in calls.iter_mut().filter(|call| !call.ended) {
            let path = path_of("/calls", call.id);
            call.hear(patience.spend(ANSWERS_IN, || gateway.get(&path)));
        }
        let ended = calls.iter().all(|call| call.ended);
        if ended || patience.is_over() {
            let all: Map<_, _> =
                calls.into_iter().map(|call| (call.id.to_owned(), call.said)).collect();
            return Ok(Reply::json(&Value::Object(all), if ended { 0 } else { TIME_OVER }));
        }
        patience.nap(pause);
        pause = (pause * 3 / 2).min(LONGEST_PAUSE);
    }
}

/// A call that is waited for.
struct Call<'a> {
    id: &'a str,
    /// The last that was heard of it.
    said: Value,
    ended: bool,
}

impl<'a> Call<'a> {
    fn new(id: &'a str) -> Self {
        let said = json!({"status": "error", "errorMessage": "gateway unreachable"});
        Self { id, said, ended: false }
    }

    /// Every answer but "not yet" is the end, a refusal too. What stands there already is kept when
    /// the gateway is away.
    fn hear(&mut self, answer: Answer) {
        if may_change(&answer) {
            return;
        }
        match answer {
            Ok(reply) => {
                self.said = serde_json::from_slice(&reply.body).unwrap_or_else(|_| {
                    let text = format!("the gateway answered {} without JSON", reply.status);
                    json!({"status": "error", "errorMessage": text})
                });
                let status = self.said.get("status").and_then(Value::as_str);
                self.ended = !matches!(status, Some("pending" | "running"));
            }
            Err(error) => {
                self.said = json!({"status": "error", "errorMessage": error.to_string()});
                self.ended = true;
            }
        }
    }
}
