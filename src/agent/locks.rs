//! `rlock`, `runlock`, `rlock-heartbeat`.

use std::time::Duration;

use serde_json::{Value, json};

use super::Reply;
use super::gateway::{ANSWERS_IN, Answer, Gateway, may_change, pass_on};
use super::patience::Patience;
use super::usage::{Given, Misuse};

/// How long `rlock --wait` waits before it asks again.
const PACE: Duration = Duration::from_secs(1);

pub(super) fn acquire(gateway: &Gateway, given: &Given) -> Result<Reply, Misuse> {
    let body = with_ttl(given)?;
    let mut patience = Patience::new(given.span("wait")?.unwrap_or_default());
    loop {
        // The last time it does not say that it waits: nobody must be told of a deadlock with a run
        // that went on to something else.
        let waiting = !patience.is_over();
        let mut body = body.clone();
        if waiting {
            body["waiting"] = json!(true);
        }
        let answer = patience.spend(ANSWERS_IN, || gateway.post("/locks/acquire", body));
        if !waiting || !may_be_free_later(&answer) {
            return Ok(pass_on(answer));
        }
        patience.nap(PACE);
    }
}

pub(super) fn release(gateway: &Gateway, given: &Given) -> Result<Reply, Misuse> {
    let body = json!({"resourceKey": given.word()?});
    Ok(pass_on(gateway.post("/locks/release", body)))
}

pub(super) fn heartbeat(gateway: &Gateway, given: &Given) -> Result<Reply, Misuse> {
    Ok(pass_on(gateway.post("/locks/heartbeat", with_ttl(given)?)))
}

fn with_ttl(given: &Given) -> Result<Value, Misuse> {
    let mut body = json!({"resourceKey": given.word()?});
    if let Some(ttl_s) = given.seconds("ttl")? {
        body["ttl"] = json!(ttl_s);
    }
    Ok(body)
}

/// Somebody holds it, or the gateway is away. A deadlock does not go away by waiting.
fn may_be_free_later(answer: &Answer) -> bool {
    match answer {
        Ok(reply) if reply.status == 409 => {
            let body: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
            body["deadlock"] != json!(true)
        }
        Ok(_) | Err(_) => may_change(answer),
    }
}
