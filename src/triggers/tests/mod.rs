//! Deliveries as a sender makes them, against projects as a person writes them.

mod acceptance;
mod explain;
mod fields;
mod filters;
mod github;
mod keys;
mod replays;

use std::collections::BTreeMap;

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::*;
use crate::project::{WebhookBinding, WebhookSource};

/// 2026-11-20T12:34:56.789Z
const NOW_MS: Millis = 1_795_178_096_789;

/// `sha256=...` as GitHub writes it.
fn signature(secret: &str, body: &[u8]) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap().chain_update(body);
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

/// A project in three lines.
#[derive(Default)]
struct Setup {
    tables: BTreeMap<String, WebhookSource>,
    bindings: Vec<(String, WebhookBinding)>,
    secrets: Secrets,
}

impl Setup {
    /// `[webhooks.hub]` with the secret `s3cret`, and one agent that wants everything.
    fn signed() -> Self {
        Self::default()
            .source("hub", "default", false)
            .secret("default", "s3cret")
            .agent("dev", "hub")
    }

    fn source(self, name: &str, credential: &str, allow_unsigned: bool) -> Self {
        self.source_of("github", name, credential, allow_unsigned)
    }

    fn source_of(mut self, kind: &str, name: &str, credential: &str, allow_unsigned: bool) -> Self {
        let (kind, credential) = (kind.to_owned(), credential.to_owned());
        self.tables.insert(
            name.to_owned(),
            WebhookSource { kind, credential, allow_unsigned, generic: None },
        );
        self
    }

    fn secret(self, instance: &str, secret: &str) -> Self {
        self.secret_of("github", instance, secret)
    }

    fn secret_of(mut self, kind: &str, instance: &str, secret: &str) -> Self {
        let instances = self.secrets.entry(kind.to_owned()).or_default();
        instances.insert(instance.to_owned(), secret.as_bytes().to_vec());
        self
    }

    fn agent(self, agent: &str, source: &str) -> Self {
        self.agent_that_wants(agent, source, &[])
    }

    fn agent_that_wants(mut self, agent: &str, source: &str, filters: &[(&str, &[&str])]) -> Self {
        let filters = filters
            .iter()
            .map(|(name, list)| ((*name).to_owned(), list.iter().map(|&v| v.to_owned()).collect()));
        let binding = WebhookBinding { source: source.to_owned(), filters: filters.collect() };
        self.bindings.push((agent.to_owned(), binding));
        self
    }

    fn build(&self) -> (Sources, Vec<Problem>) {
        let bindings = self.bindings.iter().enumerate().map(|(i, (agent, binding))| {
            let earlier = self.bindings[..i].iter().filter(|(a, _)| a == agent).count();
            (agent.as_str(), earlier, binding)
        });
        Sources::new(&self.tables, bindings, &self.secrets)
    }

    fn post(&self, segment: &str, request: &Request) -> Result<Delivery, Refusal> {
        request.send(&self.build().0, segment)
    }
}

/// What a sender posts.
#[derive(Clone)]
struct Request {
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

impl Request {
    /// A JSON body of an event, not signed.
    fn event(event: &str, body: &Value) -> Self {
        Self { headers: Vec::new(), body: body.to_string().into_bytes() }
            .header("X-GitHub-Event", event)
            .header("X-GitHub-Delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958")
            .header("Content-Type", "application/json")
    }

    fn issue() -> Self {
        Self::event("issues", &issue_opened())
    }

    fn header(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.headers.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    fn sign(self, secret: &str) -> Self {
        let signature = signature(secret, &self.body);
        self.header("X-Hub-Signature-256", signature)
    }

    fn send(&self, sources: &Sources, segment: &str) -> Result<Delivery, Refusal> {
        let headers = self.headers.iter().map(|(n, v)| (n.as_str(), v.as_slice())).collect();
        match receive(sources, segment, &headers, &self.body, NOW_MS)? {
            Received::Delivery(delivery) => Ok(*delivery),
            Received::Handshake(answer) => panic!("a handshake: {answer}"),
        }
    }
}

fn issue_opened() -> Value {
    json!({
        "action": "opened",
        "issue": {
            "number": 12,
            "title": "Crash at start",
            "body": "It says \"no\".\nAlways.",
            "html_url": "https://github.com/acme/api/issues/12",
            "user": {"login": "ada"},
            "assignee": {"login": "bob"},
            "labels": [{"id": 1, "name": "bug"}, {"id": 2, "name": "agent"}],
        },
        "repository": {"id": 1, "full_name": "acme/api", "owner": {"login": "acme"}},
        "sender": {"login": "ada"},
    })
}

fn matched(result: Result<Delivery, Refusal>) -> Vec<String> {
    let agents = result.unwrap().matches;
    agents.into_iter().map(|m| format!("{} {}", m.agent, m.binding)).collect()
}
