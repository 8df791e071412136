//! `al-wait-for`, `al-ask`: the run has nothing to do until something comes from outside.
//!
//! The scheduler stops this process while it waits, and continues it when the wait is over. That
//! may be at any point, days after the line before. So nothing here looks at the clock once the
//! gateway knows of the wait: what counts is how often it was asked in vain.

use std::thread;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::gateway::{Answer, Gateway, may_change, pass_on, path_of};
use super::usage::{Given, Misuse};
use super::{FAILED, Reply, TIME_OVER};
use crate::ambient;
use crate::http::HttpError;

/// How long it waits before it asks again.
const PACE: Duration = Duration::from_secs(1);
/// How often it asks in vain beyond the length of the wait: a scheduler that starts again needs a
/// moment, and the run may be continued just then.
const RESTART_POLLS: u64 = 60;

pub(super) fn wait_for(gateway: &Gateway, given: &Given) -> Result<Reply, Misuse> {
    let [kind] = given.words()[..] else { return Err(Misuse::Form) };
    let mut body = match kind {
        "webhook" => {
            refuse(given, &["from"], kind)?;
            webhook(given)?
        }
        "agent" => {
            refuse(given, &["source", "event", "match"], kind)?;
            let mut body = json!({"type": "agent_trigger"});
            set(&mut body, "sourceAgent", given.text("from"));
            body
        }
        _ => return Err(Misuse::Form),
    };
    set(&mut body, "timeout", given.seconds("timeout")?);
    Ok(until_over(gateway, "/waits", body))
}

pub(super) fn ask(gateway: &Gateway, given: &Given) -> Result<Reply, Misuse> {
    let words = given.words();
    let Some((question, choices)) = words.split_first().filter(|(text, _)| !text.is_empty()) else {
        return Err(Misuse::Form);
    };
    let mut body = json!({"question": question});
    set(&mut body, "choices", (!choices.is_empty()).then_some(choices));
    set(&mut body, "timeout", given.seconds("timeout")?);
    Ok(until_over(gateway, "/asks", body))
}

fn refuse(given: &Given, options: &[&str], kind: &str) -> Result<(), Misuse> {
    match options.iter().find(|option| given.text(option).is_some()) {
        Some(option) => Err(Misuse::Says(format!("--{option} does not go with {kind}"))),
        None => Ok(()),
    }
}

fn webhook(given: &Given) -> Result<Value, Misuse> {
    let mut body = json!({"type": "webhook"});
    set(&mut body, "source", given.text("source"));
    set(&mut body, "event", given.text("event"));
    let mut wanted = Map::new();
    for pair in given.texts("match") {
        let Some((path, text)) = pair.split_once('=').filter(|(path, _)| !path.is_empty()) else {
            let text = format!("--match {pair:?} is not written as path=text, like action=opened");
            return Err(Misuse::Says(text));
        };
        if wanted.insert(path.to_owned(), json!(text)).is_some() {
            return Err(Misuse::Says(format!("--match names {path} twice; it has one text")));
        }
    }
    set(&mut body, "match", (!wanted.is_empty()).then_some(wanted));
    Ok(body)
}

/// Adds a field that has a value.
fn set(body: &mut Value, field: &str, value: Option<impl serde::Serialize>) {
    if let Some(value) = value {
        body[field] = json!(value);
    }
}

/// Registers the wait and stays until it is over.
fn until_over(gateway: &Gateway, path: &str, body: Value) -> Reply {
    let answer = begin(gateway, path, &body);
    let registered = match &answer {
        Ok(reply) if reply.status == 200 => parsed(reply),
        Ok(_) | Err(_) => return failed(answer),
    };
    let Some(id) = registered["waitId"].as_str() else {
        return Reply::error("the gateway's answer has no waitId", FAILED);
    };
    let left_ms =
        registered["expiresAt"].as_i64().unwrap_or_default().saturating_sub(ambient::now_ms());
    let failures = u64::try_from(left_ms / 1000).unwrap_or(0) + RESTART_POLLS;
    let path = path_of("/waits", id);
    poll(|| gateway.get(&path), PACE, failures)
}

/// Registers the wait. An answer that does not arrive leaves open whether it is registered; asked
/// again for the same, the gateway answers with the same wait.
fn begin(gateway: &Gateway, path: &str, body: &Value) -> Answer {
    let mut answer = gateway.begin(path, body.clone());
    // One that could not even be asked registered nothing.
    if matches!(answer, Err(HttpError::Connect(_))) {
        return answer;
    }
    for _ in 0..RESTART_POLLS {
        if !may_change(&answer) {
            break;
        }
        thread::sleep(PACE);
        answer = gateway.begin(path, body.clone());
    }
    answer
}

/// Asks until the wait is over or `failures` questions have failed.
fn poll(mut ask: impl FnMut() -> Answer, pace: Duration, mut failures: u64) -> Reply {
    loop {
        let answer = ask();
        match outcome(&answer) {
            Outcome::Over(reply) => return reply,
            Outcome::Waiting => {}
            Outcome::Final => return failed(answer),
            Outcome::Failed if failures == 0 => return failed(answer),
            Outcome::Failed => failures -= 1,
        }
        thread::sleep(pace);
    }
}

/// What an answer says about the wait.
enum Outcome {
    Over(Reply),
    Waiting,
    /// The gateway knows of no such wait.
    Final,
    /// Nothing; the next answer may.
    Failed,
}

fn outcome(answer: &Answer) -> Outcome {
    let reply = match answer {
        Ok(reply) if reply.status == 200 => reply,
        Ok(_) | Err(_) if may_change(answer) => return Outcome::Failed,
        Ok(_) | Err(_) => return Outcome::Final,
    };
    let said = parsed(reply);
    match (said["status"].as_str(), said["answer"].as_str()) {
        (Some("waiting"), _) => Outcome::Waiting,
        (Some("matched"), _) => Outcome::Over(Reply::json(&said["payload"], 0)),
        (Some("answered"), Some(text)) => Outcome::Over(Reply::print(text, 0)),
        (Some("timed_out"), _) => Outcome::Over(Reply::error("Wait timeout expired", TIME_OVER)),
        // Not from our gateway; whoever answers there may be gone the next time.
        (_, _) => Outcome::Failed,
    }
}

/// An answer that does not help; it is no success either, whatever its status says.
fn failed(answer: Answer) -> Reply {
    let reply = pass_on(answer);
    if reply.code == 0 { reply.with_code(FAILED) } else { reply }
}

fn parsed(reply: &crate::http::Reply) -> Value {
    serde_json::from_slice(&reply.body).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{self, HttpError};

    fn says(status: u16, body: &'static str) -> Answer {
        Ok(http::Reply { status, body: body.as_bytes().to_vec().into(), date: None })
    }

    fn gone() -> Answer {
        Err(HttpError::Connect("Connection refused".to_owned()))
    }

    /// These answers come one after the other, the last one for ever; two may fail.
    fn check(answers: &[Answer], asked: usize, stdout: &str, code: u8) {
        let mut count = 0;
        let ask = || {
            count += 1;
            answers[(count - 1).min(answers.len() - 1)].clone()
        };
        let reply = poll(ask, Duration::ZERO, 2);
        assert_eq!((count, reply.stdout.as_str(), reply.code), (asked, stdout, code));
    }

    #[test]
    fn a_wait_ends_with_what_came() {
        let waiting = || says(200, r#"{"status":"waiting"}"#);
        let matched = says(200, r#"{"status":"matched","payload":{"b":1,"a":"\n"}}"#);
        let many = [waiting(), waiting(), waiting(), waiting(), matched];
        check(&many, 5, r#"{"b":1,"a":"\n"}"#, 0);
        let answered = says(200, r#"{"status":"answered","answer":"yes \"ü\"","by":"ann"}"#);
        check(&[waiting(), answered], 2, "yes \"ü\"", 0);
        let over = says(200, r#"{"status":"timed_out"}"#);
        check(&[waiting(), over], 2, r#"{"ok":false,"error":"Wait timeout expired"}"#, 8);
        let unknown = says(404, r#"{"error":"wait not found"}"#);
        check(&[waiting(), unknown], 2, r#"{"error":"wait not found"}"#, 2);
        check(&[says(403, "no")], 1, "no", 3);
    }

    #[test]
    fn a_gateway_that_is_away_is_asked_again_but_not_for_ever() {
        let waiting = || says(200, r#"{"status":"waiting"}"#);
        let over = says(200, r#"{"status":"timed_out"}"#);
        let timed_out = r#"{"ok":false,"error":"Wait timeout expired"}"#;
        check(&[gone(), waiting(), says(503, ""), over], 4, timed_out, 8);
        let unreachable =
            r#"{"ok":false,"reason":"gateway unreachable","error":"gateway unreachable"}"#;
        check(&[gone()], 3, unreachable, 6);
        check(&[says(503, r#"{"error":"busy"}"#)], 3, r#"{"error":"busy"}"#, 5);
        check(&[says(200, "hello")], 3, "hello", 7);
    }
}
