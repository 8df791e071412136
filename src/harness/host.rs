//! What the process that thinks asks of its scheduler between turns: what a person said, whether the
//! budget is spent, whether the model is free.
//!
//! The scheduler may be restarting, or gone for hours, while the run goes on. Nothing in here ends a
//! run for that reason: what was not answered is asked again at the next turn.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::report;
use crate::ambient;
use crate::http::{self, Limits, Method};
use crate::signal::Spent;

/// How long it waits before it looks again whether a wait is over.
const PACE: Duration = Duration::from_millis(200);
/// How often it looks in vain before it takes the scheduler for gone.
const PATIENCE: u32 = 300;
/// A question of this process takes no longer than a run may.
const ASK_TIMEOUT_S: u64 = 7 * 86_400;

/// The gateway, as this run sees it.
#[derive(Debug, Clone)]
pub struct Host {
    url: String,
    token: String,
}

/// Something a person told the run.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Said {
    pub seq: u64,
    pub by: String,
    pub text: String,
}

/// A budget that is spent.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Over {
    /// `perRun` or `perDay`
    pub limit: String,
    pub limit_micros: u64,
    pub spent_micros: u64,
    /// `stop` or `ask`
    pub then: String,
}

impl Over {
    /// `budget of $2.00 per run is spent ($2.13)`
    pub fn sentence(&self) -> String {
        let of = if self.limit == "perDay" { "per day" } else { "per run" };
        let (limit, spent) = (dollars(self.limit_micros), dollars(self.spent_micros));
        format!("the budget of {limit} {of} is spent ({spent})")
    }
}

/// `$2.13`
#[expect(clippy::cast_precision_loss)]
pub fn dollars(micros: u64) -> String {
    format!("${:.2}", micros as f64 / 1e6)
}

impl Host {
    /// The one that this run was told about.
    pub fn here() -> Option<Self> {
        let url = ambient::env("GATEWAY_URL")?.trim_end_matches('/').to_owned();
        Some(Self { url, token: ambient::env("SHUTDOWN_SECRET")? })
    }

    /// Reports what was used up to now, and learns whether that is too much.
    pub async fn spent(&self, spent: &Spent) -> Option<Over> {
        let answer = self.post("/usage", json!(spent)).await?;
        serde_json::from_value(answer["over"].clone()).ok()
    }

    /// A person allowed as much again.
    pub async fn allow_more(&self, limit: &str) {
        self.post("/usage/more", json!({"limit": limit})).await;
    }

    /// What was said after number `seq`, in order.
    pub async fn said(&self, seq: u64) -> Vec<Said> {
        let answer = self.request(Method::GET, &format!("/said?after={seq}"), None).await;
        answer
            .and_then(|(_, answer)| serde_json::from_value(answer["said"].clone()).ok())
            .unwrap_or_default()
    }

    /// Asks a person and waits for the answer; none when there is none.
    pub async fn ask(&self, question: &str, choices: &[&str]) -> Option<String> {
        let body = json!({"question": question, "choices": choices, "timeout": ASK_TIMEOUT_S});
        let begun = self.post("/asks", body).await?;
        let over = self.until_over(begun["waitId"].as_str()?).await?;
        over["answer"].as_str().map(str::to_owned)
    }

    /// Waits until the model is free for this run. False when nobody counts.
    pub async fn take_slot(&self, model: &str) -> bool {
        for _ in 0..PATIENCE {
            match self.request(Method::POST, "/slots/acquire", Some(json!({"model": model}))).await
            {
                Some((200, answer)) => match answer["waitId"].as_str() {
                    None => return true,
                    Some(wait) => {
                        self.until_over(wait).await;
                        // The end of the wait is the slot; asking again says so or waits again.
                    }
                },
                Some((status, answer)) if status < 500 => {
                    let fields = json!({"model": model, "status": status, "answer": answer});
                    report::warn("no slot of the model can be had", fields);
                    return false;
                }
                Some(_) | None => tokio::time::sleep(PACE).await,
            }
        }
        report::warn("the scheduler is away: the model's slots are not counted", json!({}));
        false
    }

    pub async fn free_slot(&self, model: &str) {
        self.post("/slots/release", json!({"model": model})).await;
    }

    /// The process may be stopped in here for days; what counts is how often it asked in vain.
    async fn until_over(&self, wait: &str) -> Option<Value> {
        let path = format!("/waits/{wait}");
        let mut vain = 0;
        while vain < PATIENCE {
            match self.request(Method::GET, &path, None).await {
                Some((200, answer)) if answer["status"] != "waiting" => return Some(answer),
                Some((200, _)) => {}
                Some((status, _)) if (400..500).contains(&status) => return None,
                Some(_) | None => vain += 1,
            }
            tokio::time::sleep(PACE).await;
        }
        None
    }

    async fn post(&self, path: &str, body: Value) -> Option<Value> {
        let (status, answer) = self.request(Method::POST, path, Some(body)).await?;
        (status == 200).then_some(answer)
    }

    async fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Option<(u16, Value)> {
        let body = body.map(|body| {
            let mut all = json!({"secret": self.token});
            if let (Some(all), Value::Object(body)) = (all.as_object_mut(), body) {
                all.extend(body);
            }
            all
        });
        let url = format!("{}{path}", self.url);
        let limits = Limits { body: 16 * 1024 * 1024, ..Limits::default() };
        let reply =
            http::request(method, &url, Some(&self.token), body.as_ref(), limits).await.ok()?;
        Some((reply.status, serde_json::from_slice(&reply.body).unwrap_or_default()))
    }
}
