//! A server that is talked to for longer: connections are kept, and it may tell events as they
//! happen (`text/event-stream`).

use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::HeaderValue;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use tokio::time::timeout;

use super::{HttpError, Limits, Method, Reply, build, innermost, parse, read, refused};

/// A server, and who asks it.
#[derive(Clone)]
pub struct Server {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    base: String,
    bearer: Option<String>,
    headers: Vec<(&'static str, String)>,
}

impl Server {
    /// `headers` go along with every request.
    pub fn new(base: &str, bearer: Option<&str>, headers: Vec<(&'static str, String)>) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(Limits::default().connect));
        connector.enforce_http(false);
        let tls = hyper_rustls::HttpsConnectorBuilder::new().with_webpki_roots();
        let connector = tls.https_or_http().enable_http1().wrap_connector(connector);
        Self {
            client: Client::builder(TokioExecutor::new()).build(connector),
            base: base.to_owned(),
            bearer: bearer.map(str::to_owned),
            headers,
        }
    }

    /// One request, one answer.
    ///
    /// # Errors
    /// When there is no complete answer within the usual limits.
    pub async fn ask(
        &self,
        method: Method,
        path: &str,
        json: Option<&Value>,
    ) -> Result<Reply, HttpError> {
        let limits = Limits::default();
        let answer = async {
            let answer = self.send(method, path, json).await?;
            read(answer, limits.body).await
        };
        timeout(limits.total, answer).await.unwrap_or(Err(HttpError::Timeout(limits.total)))
    }

    /// Asks for a stream of events, of which each may have so many bytes.
    ///
    /// # Errors
    /// When nobody answers in time. An answer that is no stream is [`Opened::No`].
    pub async fn events(&self, path: &str, event_max: usize) -> Result<Opened, HttpError> {
        let limits = Limits::default();
        let opened = async {
            let answer = self.send(Method::GET, path, None).await?;
            if answer.status().as_u16() != 200 {
                return read(answer, limits.body).await.map(Opened::No);
            }
            let (body, buffer) = (answer.into_body(), Vec::new());
            Ok(Opened::Stream(Events { body, buffer, event_max }))
        };
        timeout(limits.total, opened).await.unwrap_or(Err(HttpError::Timeout(limits.total)))
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        json: Option<&Value>,
    ) -> Result<hyper::Response<Incoming>, HttpError> {
        let (uri, _) = parse(&format!("{}{path}", self.base))?;
        let mut request = build(method, uri, self.bearer.as_deref(), json)?;
        for (name, value) in &self.headers {
            let value = HeaderValue::try_from(value)
                .map_err(|_| HttpError::Broken(format!("{name} is no header")))?;
            request.headers_mut().insert(*name, value);
        }
        self.client.request(request).await.map_err(|error| refused(&error))
    }
}

/// What came of asking for events.
pub enum Opened {
    Stream(Events),
    /// Another answer than the stream.
    No(Reply),
}

/// One event of a server.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Told {
    /// Its kind; `message` when it names none.
    pub event: String,
    pub data: String,
}

/// Events as they come.
pub struct Events {
    body: Incoming,
    buffer: Vec<u8>,
    event_max: usize,
}

impl Events {
    /// The next one; none at the end of the stream.
    ///
    /// # Errors
    /// When the stream breaks, says nothing at all for `silence`, or an event is too large.
    pub async fn next(&mut self, silence: Duration) -> Result<Option<Told>, HttpError> {
        loop {
            while let Some(end) = end_of_event(&self.buffer) {
                let block: Vec<u8> = self.buffer.drain(..end).collect();
                if let Some(told) = understand(&block) {
                    return Ok(Some(told));
                }
            }
            if self.buffer.len() > self.event_max {
                return Err(HttpError::TooLarge { limit: self.event_max });
            }
            let frame = timeout(silence, self.body.frame()).await;
            match frame.map_err(|_| HttpError::Timeout(silence))? {
                None => return Ok(None),
                Some(Ok(frame)) => {
                    self.buffer.extend(frame.data_ref().into_iter().flatten());
                }
                Some(Err(error)) => return Err(HttpError::Broken(innermost(&error))),
            }
        }
    }
}

/// Where the first event ends: behind its empty line.
fn end_of_event(buffer: &[u8]) -> Option<usize> {
    memchr::memmem::find(buffer, b"\n\n").map(|at| at + 2)
}

/// None for a block that says nothing, such as a comment that keeps the stream alive.
fn understand(block: &[u8]) -> Option<Told> {
    let text = String::from_utf8_lossy(block);
    let mut told = Told { event: "message".to_owned(), data: String::new() };
    let mut data: Option<String> = None;
    for line in text.lines() {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut told.event),
            "data" => match &mut data {
                None => data = Some(value.to_owned()),
                Some(data) => data.extend(["\n", value]),
            },
            // Comments, ids and how long to wait before coming again.
            _ => {}
        }
    }
    data.map(|data| Told { data, ..told })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(block: &str, expected: Option<(&str, &str)>) {
        let expected =
            expected.map(|(event, data)| Told { event: event.into(), data: data.into() });
        assert_eq!(understand(block.as_bytes()), expected, "{block:?}");
    }

    #[test]
    fn an_event_has_a_kind_and_lines_of_data() {
        check("data: {}\n\n", Some(("message", "{}")));
        check("event: session\nid: 7\ndata:{\"id\":1}\n\n", Some(("session", "{\"id\":1}")));
        check("data: a\ndata:  b\r\n\n", Some(("message", "a\n b")));
        check("data\n\n", Some(("message", "")));
        check(":\n\n", None);
        check("id: 8\n\n", None);
        check("\n", None);
    }

    #[test]
    fn an_event_ends_with_an_empty_line() {
        assert_eq!(end_of_event(b"data: 1\n\ndata"), Some(9));
        assert_eq!(end_of_event(b"data: 1\n"), None);
    }
}
