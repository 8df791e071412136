//! Asking a provider over HTTP.

use std::time::Duration;

use reqwest::header::{
    ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION, USER_AGENT,
};
use reqwest::{Response, Url, redirect, retry};
use tokio::time::timeout;

use super::known::limits;
use super::providers::{PROVIDERS, provider};
use super::recording::Replay;
use super::wire::sse::{Decoder, Event};
use super::wire::{Draft, Peer, Wire};
use super::{Answer, Auth, Fault, FaultKind, Hear, Model, ModelSpec, Reply, Request, fault, tls};

/// The most that is read of an answer that is no reply, in bytes.
const ERROR_MOST: usize = 64 * 1024;
/// The most that one event of a reply may be, in bytes.
const EVENT_MOST: usize = 64 * 1024 * 1024;
/// How long the end of a reply that is over may take; then the connection is given up.
const DRAIN: Duration = Duration::from_millis(50);

/// How long to wait for a provider.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// For the connection.
    pub connect: Duration,
    /// For the next bytes, the first included: a model may read and think for long before it
    /// says anything, and few say that they are alive meanwhile.
    pub silence: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { connect: Duration::from_secs(10), silence: Duration::from_secs(300) }
    }
}

/// Somebody to ask, as the project describes them. Nothing is sent yet.
///
/// # Errors
/// [`FaultKind::Setup`], with what is wrong: no such provider, no key, an address that is none, a
/// recording that cannot be read.
pub fn connect(spec: &ModelSpec) -> Result<Box<dyn Model>, Fault> {
    connect_with(spec, Patience::default())
}

pub(super) fn connect_with(spec: &ModelSpec, patience: Patience) -> Result<Box<dyn Model>, Fault> {
    let named = |text: String| setup(format!("model `{}`: {text}", spec.name));
    let Some(provider) = provider(&spec.provider) else {
        let known: Vec<&str> = PROVIDERS.iter().map(|provider| provider.name).collect();
        let message = format!("no provider `{}`; there are {}", spec.provider, known.join(", "));
        return Err(named(message));
    };
    if provider.name == "replay" {
        let Some(file) = &spec.file else {
            return Err(named("`replay` plays a `file`, and there is none".to_owned()));
        };
        return Ok(Box::new(Replay::open(file)?));
    }
    let Some(base_url) = spec.base_url.as_deref().or(provider.base_url) else {
        return Err(named(format!("provider `{}` needs a `baseUrl`", provider.name)));
    };
    if spec.auth == Auth::None && provider.needs_key(spec.base_url.as_deref()) {
        let credential = provider.credential.unwrap_or_default();
        return Err(named(format!("no key; it belongs into `{credential}`")));
    }
    let wire = provider.wire(spec);
    let url = address(base_url, wire, &spec.model).map_err(named)?;
    let headers = headers(spec, wire).map_err(named)?;
    let http = http(patience).map_err(named)?;
    let peer = Peer { spec: spec.clone(), provider, wire, limits: limits(spec) };
    Ok(Box::new(Client { peer, http, url, headers, patience }))
}

fn setup(message: String) -> Fault {
    Fault::new(FaultKind::Setup, message)
}

/// Where requests go. The end of the address may stand in `baseUrl` already.
fn address(base_url: &str, wire: Wire, model: &str) -> Result<Url, String> {
    let bad = |why: &str| format!("`baseUrl` is no address: {why}: {base_url}");
    let base = base_url.trim_end_matches('/');
    let base = format!("{}/", base.strip_suffix(wire.ending()).unwrap_or(base));
    let url = Url::parse(&base).map_err(|error| bad(&error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(bad("it begins with http:// or https://"));
    }
    Url::parse(&format!("{base}{}", wire.path(&base, model))).map_err(|e| bad(&e.to_string()))
}

fn headers(spec: &ModelSpec, wire: Wire) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
    let agent = concat!("action-llama/", env!("CARGO_PKG_VERSION"));
    headers.insert(USER_AGENT, HeaderValue::from_static(agent));
    for (name, value) in wire.headers(&spec.auth) {
        let Ok(mut value) = HeaderValue::from_str(value.trim()) else {
            return Err("its key has characters that no key has".to_owned());
        };
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    for (name, value) in &spec.headers {
        let bad = || format!("header `{name}` cannot be sent");
        let key: HeaderName = name.parse().map_err(|_| bad())?;
        headers.insert(key, HeaderValue::from_str(value).map_err(|_| bad())?);
    }
    Ok(headers)
}

fn http(patience: Patience) -> Result<reqwest::Client, String> {
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls::config().map_err(|error| error.to_string())?)
        .connect_timeout(patience.connect)
        // Who tries again, and when, is decided in one place, and that is not here.
        .retry(retry::never())
        // A key goes where the project says, and nowhere else.
        .redirect(redirect::Policy::none())
        .tcp_nodelay(true)
        .build()
        .map_err(|error| error.to_string())
}

/// A model behind HTTP.
struct Client {
    peer: Peer,
    http: reqwest::Client,
    url: Url,
    headers: HeaderMap,
    patience: Patience,
}

impl Model for Client {
    fn ask<'a>(&'a self, request: &'a Request, hear: Hear<'a>) -> Answer<'a> {
        Box::pin(async move {
            let asked = self.reply(request, hear).await;
            asked.map_err(|fault| fault.without(self.secrets()))
        })
    }
}

impl Client {
    fn secrets(&self) -> impl Iterator<Item = &str> {
        let key = match &self.peer.spec.auth {
            Auth::None => None,
            Auth::Key(secret) | Auth::Bearer(secret) => Some(secret.trim()),
        };
        key.into_iter().chain(self.peer.spec.headers.values().map(String::as_str))
    }

    async fn reply(&self, request: &Request, hear: Hear<'_>) -> Result<Reply, Fault> {
        let body = self.peer.wire.body(&self.peer, request);
        let body = body.map_err(|error| setup(error.to_string()))?;
        let size = body.len();
        let sent = self.http.post(self.url.clone()).headers(self.headers.clone()).body(body).send();
        let response = match timeout(self.patience.silence, sent).await {
            Ok(sent) => sent.map_err(fault::unanswered)?,
            Err(_) => return Err(self.silent()),
        };
        if !response.status().is_success() {
            return Err(self.refused(response, size).await);
        }
        let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        if kind.is_some_and(|kind| kind.starts_with("text/html")) {
            let message = format!("{} is a web page; is `baseUrl` right?", self.url);
            return Err(Fault::new(FaultKind::NotFound, message));
        }
        let draft = Draft::new(self.peer.origin(), request.messages.len());
        self.listen(response, draft, hear).await
    }

    /// Reads a reply to its end.
    async fn listen(
        &self,
        mut response: Response,
        mut draft: Draft,
        hear: Hear<'_>,
    ) -> Result<Reply, Fault> {
        let wire = self.peer.wire;
        let mut decoder = Decoder::default();
        let mut broken = None;
        while !draft.over {
            let events = match timeout(self.patience.silence, response.chunk()).await {
                Ok(Ok(Some(bytes))) => decoder.feed(&bytes),
                Ok(Ok(None)) => break,
                Ok(Err(error)) => {
                    broken = Some(fault::broken(error));
                    break;
                }
                Err(_) => return Err(self.silent()),
            };
            read(wire, &events, &mut draft, hear)?;
            if decoder.held() > EVENT_MOST {
                return Err(Fault::new(FaultKind::Cut, "an event of the reply has no end"));
            }
        }
        if draft.over {
            drain(&mut response).await;
        } else if let Some(last) = decoder.finish()
            && let Err(torn) = read(wire, &[last], &mut draft, hear)
        {
            // What broke off is no event; that it broke off is the news.
            return Err(broken.unwrap_or(torn));
        }
        if draft.over || (wire.ends_with_its_stop() && draft.stop.is_some()) {
            return Ok(draft.finish());
        }
        Err(broken.unwrap_or_else(|| Fault::new(FaultKind::Cut, "the reply ended in its middle")))
    }

    fn silent(&self) -> Fault {
        let seconds = self.patience.silence.as_secs_f64();
        Fault::new(FaultKind::Cut, format!("the provider said nothing for {seconds} s"))
    }

    /// An answer that is no reply.
    async fn refused(&self, mut response: Response, size: usize) -> Fault {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let mut body = Vec::new();
        while body.len() < ERROR_MOST {
            match timeout(self.patience.silence, response.chunk()).await {
                Ok(Ok(Some(bytes))) => body.extend_from_slice(&bytes),
                // What has come is worth more than why there is no more.
                Ok(Ok(None) | Err(_)) | Err(_) => break,
            }
        }
        let mut body = String::from_utf8_lossy(&body).into_owned();
        for secret in self.secrets().filter(|secret| !secret.is_empty()) {
            body = body.replace(secret, "***");
        }
        let mut fault = fault::answered(status, &headers, &body);
        if let Some(place) = headers.get(LOCATION).and_then(|place| place.to_str().ok()) {
            fault = Fault { status: Some(status), ..Fault::new(fault.kind, moved(place)) };
        }
        self.explained(fault, size)
    }

    /// What we know of this model, added to what the provider says.
    fn explained(&self, mut fault: Fault, size: usize) -> Fault {
        let limits = self.peer.limits;
        match fault.kind {
            // Some only say that the request is wrong. One that fills the window is wrong for its
            // length, going by four bytes a token and doubt in favour of making it shorter: if that
            // was not it, the next refusal is of a small one.
            FaultKind::Rejected if limits.is_known && size / 2 > limits.context_window as usize => {
                fault.kind = FaultKind::TooLong;
            }
            FaultKind::NotFound
                if self.peer.wire == Wire::Chat && !self.url.path().contains("/v1") =>
            {
                let hint = "most servers want a `baseUrl` that ends in /v1";
                let message = format!("{} at {}; {hint}", fault.message, self.url);
                fault = Fault { status: fault.status, ..Fault::new(FaultKind::NotFound, message) };
            }
            _ => {}
        }
        fault
    }
}

fn moved(place: &str) -> String {
    format!("the provider is elsewhere; write this address as `baseUrl`: {place}")
}

fn read(wire: Wire, events: &[Event], draft: &mut Draft, hear: Hear<'_>) -> Result<(), Fault> {
    for event in events {
        if !draft.over {
            wire.read(event, draft, hear)?;
        }
    }
    Ok(())
}

/// Takes the end of the stream, so that the connection can be used again.
async fn drain(response: &mut Response) {
    let rest = async { while let Ok(Some(_)) = response.chunk().await {} };
    let _ = timeout(DRAIN, rest).await;
}
