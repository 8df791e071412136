//! One question to a provider that is no conversation: whether a key of it is known there.

use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use reqwest::{Method, Url, redirect, retry};
use tokio::time::timeout;

use super::{fault, tls};

/// The most that is read of an answer, in bytes.
const MOST: usize = 256 * 1024;

/// What is asked. It holds secrets, so it has no `Debug`.
#[derive(Clone)]
pub struct Question {
    pub url: String,
    pub headers: Vec<(String, String)>,
    /// None is a GET.
    pub body: Option<String>,
}

/// What came back, whatever it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub status: u16,
    pub body: String,
}

/// Asks once, and waits no longer than `limit`. A key goes to the address and nowhere else: what
/// leads elsewhere is an answer like any other.
///
/// # Errors
/// Why there is no answer, without the address's path and without anything that was sent.
pub async fn fetch(question: &Question, limit: Duration) -> Result<Reply, String> {
    match timeout(limit, ask(question, limit)).await {
        Ok(answer) => answer,
        Err(_) => Err(format!("no answer within {} s", limit.as_secs())),
    }
}

async fn ask(question: &Question, limit: Duration) -> Result<Reply, String> {
    let url = Url::parse(&question.url).map_err(|error| format!("no address: {error}"))?;
    let http = reqwest::Client::builder()
        .tls_backend_preconfigured(tls::config().map_err(|error| error.to_string())?)
        .connect_timeout(limit)
        .retry(retry::never())
        .redirect(redirect::Policy::none())
        .build()
        .map_err(|error| error.to_string())?;
    let method = if question.body.is_some() { Method::POST } else { Method::GET };
    let mut request = http.request(method, url).headers(headers(&question.headers)?);
    if let Some(body) = &question.body {
        request = request.body(body.clone());
    }
    let mut response = request.send().await.map_err(|e| fault::unanswered(e).message)?;
    let status = response.status().as_u16();
    let mut body = Vec::new();
    while body.len() < MOST {
        match response.chunk().await {
            Ok(Some(bytes)) => body.extend_from_slice(&bytes),
            // What has come is worth more than why there is no more.
            Ok(None) | Err(_) => break,
        }
    }
    Ok(Reply { status, body: String::from_utf8_lossy(&body).into_owned() })
}

fn headers(pairs: &[(String, String)]) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    let agent = concat!("action-llama/", env!("CARGO_PKG_VERSION"));
    headers.insert(USER_AGENT, HeaderValue::from_static(agent));
    for (name, value) in pairs {
        let bad = |_| format!("header {name} would have characters that no header has");
        let key: HeaderName = name.parse().map_err(|_| format!("no header is called {name}"))?;
        let mut value = HeaderValue::from_str(value).map_err(bad)?;
        value.set_sensitive(true);
        headers.insert(key, value);
    }
    Ok(headers)
}
