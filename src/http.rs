//! A small HTTP client: one request, one answer, limits on everything.
//!
//! Agent-side commands and the command line use it to talk to the gateway, and older agents to fetch
//! what they want before a run.

mod server;

use std::fmt;
use std::time::Duration;

use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
pub use hyper::Method;
use hyper::body::{Bytes, Incoming};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, DATE, HeaderValue, LOCATION};
use hyper::{Request, Response, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{Connect, HttpConnector};
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

pub use server::{Events, Opened, Server, Told};

/// In how many steps the time for an answer is counted.
const STEPS: u32 = 20;

/// How long an answer may take and how large it may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub connect: Duration,
    /// From the first look at the name to the last byte of the answer; time in which this process
    /// is stopped does not count.
    pub total: Duration,
    /// Bytes of the answer's body.
    pub body: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connect: Duration::from_secs(5), total: Duration::from_secs(10), body: 1024 * 1024 }
    }
}

/// An answer, whatever its status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub status: u16,
    pub body: Bytes,
    /// When it was sent, by the server's clock and in its words.
    pub date: Option<String>,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HttpError {
    BadUrl {
        url: String,
        reason: String,
    },
    /// Nobody could be reached.
    Connect(String),
    /// No complete answer in time.
    Timeout(Duration),
    /// The connection broke, or what came was no HTTP.
    Broken(String),
    TooLarge {
        limit: usize,
    },
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadUrl { url, reason } => write!(f, "{url:?} is not a URL to call: {reason}"),
            Self::Connect(reason) => write!(f, "cannot connect: {reason}"),
            Self::Timeout(limit) => write!(f, "no answer within {} s", limit.as_secs_f32()),
            Self::Broken(reason) => write!(f, "the connection broke: {reason}"),
            Self::TooLarge { limit } => write!(f, "the answer is larger than {limit} bytes"),
        }
    }
}

impl std::error::Error for HttpError {}

/// Sends one request, with a bearer token and a JSON body when given. Redirects are not followed.
///
/// # Errors
/// When there is no complete answer within the limits. An answer with an error status is an answer.
pub async fn request(
    method: Method,
    url: &str,
    bearer: Option<&str>,
    json: Option<&Value>,
    limits: Limits,
) -> Result<Reply, HttpError> {
    request_with(method, url, bearer, &[], json, limits).await
}

/// [`request`] with more headers.
///
/// # Errors
/// As [`request`].
pub async fn request_with(
    method: Method,
    url: &str,
    bearer: Option<&str>,
    headers: &[(&'static str, &str)],
    json: Option<&Value>,
    limits: Limits,
) -> Result<Reply, HttpError> {
    let (uri, secure) = parse(url)?;
    let mut request = build(method, uri, bearer, json)?;
    for (name, value) in headers {
        let value = HeaderValue::try_from(*value).map_err(|_| {
            HttpError::Broken(format!("{name} has characters that no header may have"))
        })?;
        request.headers_mut().insert(*name, value);
    }

    let (reply, _) = send(request, secure, limits).await?;
    Ok(reply)
}

/// A request as somebody wrote it down.
#[derive(Debug, Clone, Copy)]
pub struct Written<'a> {
    /// `GET`, in any case.
    pub method: &'a str,
    pub url: &'a str,
    pub headers: &'a [(String, String)],
    pub body: Option<&'a str>,
}

/// Sends a request as it is written. A `GET` follows redirects; to another server it takes no header
/// along that says who asks.
///
/// # Errors
/// As [`request`]; a method or a header that is none is [`HttpError::Broken`].
pub async fn fetch(written: Written<'_>, limits: Limits) -> Result<Reply, HttpError> {
    let method = Method::from_bytes(written.method.to_ascii_uppercase().as_bytes())
        .map_err(|_| HttpError::Broken(format!("{:?} is no method", written.method)))?;
    let mut url = written.url.to_owned();
    let mut headers = written.headers.to_vec();
    for _ in 0..=REDIRECTS {
        let (uri, secure) = parse(&url)?;
        let here = (secure, uri.authority().cloned());
        let request = written_request(&method, uri, &headers, written.body)?;
        let (reply, location) = send(request, secure, limits).await?;
        let Some(next) = location.filter(|_| method == Method::GET && is_redirect(reply.status))
        else {
            return Ok(reply);
        };
        url = resolve(&url, &next);
        let (uri, secure) = parse(&url)?;
        if here != (secure, uri.authority().cloned()) {
            headers.retain(|(name, _)| !PERSONAL.iter().any(|p| name.eq_ignore_ascii_case(p)));
        }
    }
    Err(HttpError::Broken(format!("more than {REDIRECTS} redirects")))
}

/// Redirects of one request before it goes in circles.
const REDIRECTS: u32 = 10;
/// Headers that say who asks.
const PERSONAL: [&str; 3] = ["authorization", "cookie", "proxy-authorization"];

fn is_redirect(status: u16) -> bool {
    matches!(status, 301 | 302 | 303 | 307 | 308)
}

fn written_request(
    method: &Method,
    uri: Uri,
    headers: &[(String, String)],
    body: Option<&str>,
) -> Result<Request<Full<Bytes>>, HttpError> {
    let mut request = Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        let mut value = HeaderValue::try_from(value).map_err(|_| {
            HttpError::Broken(format!("{name} has characters that no header may have"))
        })?;
        value.set_sensitive(true);
        request = request.header(name, value);
    }
    let body = Bytes::from(body.unwrap_or_default().to_owned());
    request.body(Full::new(body)).map_err(|error| HttpError::Broken(error.to_string()))
}

/// Where a `Location` leads that was answered at `url`.
fn resolve(url: &str, location: &str) -> String {
    if location.contains("://") {
        return location.to_owned();
    }
    let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
    let host = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let path = rest[host.len()..].split(['?', '#']).next().unwrap_or_default();
    match location {
        other if other.starts_with("//") => format!("{scheme}:{other}"),
        root if root.starts_with('/') => format!("{scheme}://{host}{root}"),
        query if query.starts_with('?') => format!("{scheme}://{host}{path}{query}"),
        beside => {
            let folder = path.rfind('/').map_or("/", |at| &path[..=at]);
            format!("{scheme}://{host}{folder}{beside}")
        }
    }
}

/// The answer, and where it says to look instead.
async fn send(
    request: Request<Full<Bytes>>,
    secure: bool,
    limits: Limits,
) -> Result<(Reply, Option<String>), HttpError> {
    let mut connector = HttpConnector::new();
    connector.set_connect_timeout(Some(limits.connect));
    connector.enforce_http(false);
    let answer = async {
        if secure {
            let tls = hyper_rustls::HttpsConnectorBuilder::new().with_webpki_roots();
            exchange(tls.https_only().enable_http1().wrap_connector(connector), request, limits)
                .await
        } else {
            exchange(connector, request, limits).await
        }
    };
    within(limits.total, answer).await
}

/// Whether requests can go to this URL.
///
/// # Errors
/// When it is none, names no host, or is neither `http` nor `https`.
pub fn check_url(url: &str) -> Result<(), HttpError> {
    parse(url).map(drop)
}

/// Whether what is sent to this URL can be read on its way: it is `http` to another machine.
pub fn in_the_clear(url: &str) -> bool {
    let Ok((uri, false)) = parse(url) else { return false };
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']).to_ascii_lowercase();
    let name = host.trim_end_matches('.');
    let here = name == "localhost" || name.ends_with(".localhost");
    !here && !host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The URL without the name and the password in it.
fn bare(url: &str) -> String {
    let begin = url.find("://").map_or(0, |at| at + "://".len());
    let end = url[begin..].find(['/', '?', '#']).map_or(url.len(), |at| begin + at);
    match url[begin..end].rfind('@') {
        Some(at) => format!("{}***{}", &url[..begin], &url[begin + at..]),
        None => url.to_owned(),
    }
}

/// The URL, and whether its connection is secured.
fn parse(url: &str) -> Result<(Uri, bool), HttpError> {
    let bad = |reason: &str| HttpError::BadUrl { url: bare(url), reason: reason.to_owned() };
    let uri: Uri =
        url.parse().map_err(|error: hyper::http::uri::InvalidUri| bad(&error.to_string()))?;
    if uri.host().is_none() {
        return Err(bad("it names no host"));
    }
    match uri.scheme_str() {
        Some("http") => Ok((uri, false)),
        Some("https") => Ok((uri, true)),
        _ => Err(bad("it must start with http:// or https://")),
    }
}

/// A run is stopped while it waits (`SIGSTOP`), and continued later: by then every timer has run
/// out, though the answer may have arrived long ago. So the time is counted in steps, and a stop
/// takes no more than one of them.
async fn within<T>(
    total: Duration,
    answer: impl Future<Output = Result<T, HttpError>>,
) -> Result<T, HttpError> {
    let mut answer = std::pin::pin!(answer);
    for _ in 0..STEPS {
        if let Ok(done) = tokio::time::timeout(total / STEPS, &mut answer).await {
            return done;
        }
    }
    Err(HttpError::Timeout(total))
}

fn build(
    method: Method,
    uri: Uri,
    bearer: Option<&str>,
    json: Option<&Value>,
) -> Result<Request<Full<Bytes>>, HttpError> {
    let broken = |reason: String| HttpError::Broken(reason);
    let mut request = Request::builder().method(method).uri(uri);
    if let Some(token) = bearer {
        let mut value = HeaderValue::try_from(format!("Bearer {token}"))
            .map_err(|_| broken("the token has characters that no header may have".to_owned()))?;
        value.set_sensitive(true);
        request = request.header(AUTHORIZATION, value);
    }
    let body = match json {
        Some(json) => {
            request = request.header(CONTENT_TYPE, "application/json");
            Bytes::from(json.to_string())
        }
        None => Bytes::new(),
    };
    request.body(Full::new(body)).map_err(|error| broken(error.to_string()))
}

async fn exchange<C>(
    connector: C,
    request: Request<Full<Bytes>>,
    limits: Limits,
) -> Result<(Reply, Option<String>), HttpError>
where
    C: Connect + Clone + Send + Sync + 'static,
{
    let client: Client<C, Full<Bytes>> = Client::builder(TokioExecutor::new()).build(connector);
    let answer = client.request(request).await.map_err(|error| refused(&error))?;
    let location = answer.headers().get(LOCATION);
    let location = location.and_then(|value| value.to_str().ok()).map(str::to_owned);
    Ok((read(answer, limits.body).await?, location))
}

fn refused(error: &hyper_util::client::legacy::Error) -> HttpError {
    let reason = innermost(error);
    if error.is_connect() { HttpError::Connect(reason) } else { HttpError::Broken(reason) }
}

/// The whole answer, of at most so many bytes.
async fn read(answer: Response<Incoming>, limit: usize) -> Result<Reply, HttpError> {
    let status = answer.status().as_u16();
    let date = answer.headers().get(DATE).and_then(|value| value.to_str().ok()).map(str::to_owned);
    match Limited::new(answer.into_body(), limit).collect().await {
        Ok(body) => Ok(Reply { status, body: body.to_bytes(), date }),
        Err(error) if error.is::<LengthLimitError>() => Err(HttpError::TooLarge { limit }),
        Err(error) => Err(HttpError::Broken(innermost(error.as_ref()))),
    }
}

/// The cause at the bottom, which says what happened; those above say where.
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    const QUICK: Limits =
        Limits { connect: Duration::from_secs(30), total: Duration::from_secs(30), body: 8 };

    /// Answers one request with these bytes; yields what was asked.
    async fn serve(answer: &'static str) -> (String, tokio::task::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/a?b=c", listener.local_addr().unwrap());
        let asked = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut text = Vec::new();
            while !text.ends_with(b"}") {
                let mut block = [0; 1024];
                match stream.read(&mut block).await.unwrap() {
                    0 => break,
                    n => text.extend_from_slice(&block[..n]),
                }
            }
            stream.write_all(answer.as_bytes()).await.unwrap();
            String::from_utf8(text).unwrap()
        });
        (url, asked)
    }

    #[tokio::test]
    async fn a_request_carries_token_and_body() {
        let answer = "HTTP/1.1 409 Conflict\r\ncontent-length: 2\r\n\r\nno";
        let (url, asked) = serve(answer).await;
        let body = json!({"text": "a \"b\"\n"});
        let reply = request(Method::POST, &url, Some("t"), Some(&body), QUICK).await.unwrap();
        assert_eq!(reply, Reply { status: 409, body: Bytes::from_static(b"no"), date: None });
        let asked = asked.await.unwrap();
        assert!(asked.starts_with("POST /a?b=c HTTP/1.1\r\n"), "{asked}");
        assert!(asked.contains("authorization: Bearer t\r\n"), "{asked}");
        assert!(asked.contains("content-type: application/json\r\n"), "{asked}");
        assert!(asked.ends_with(r#"{"text":"a \"b\"\n"}"#), "{asked}");
    }

    #[tokio::test]
    async fn what_is_no_answer_is_an_error() {
        async fn check(answer: &'static str, want: fn(&HttpError) -> bool) {
            let (url, _asked) = serve(answer).await;
            let error =
                request(Method::POST, &url, None, Some(&json!({})), QUICK).await.unwrap_err();
            assert!(want(&error), "{answer:?}: {error}");
        }
        check("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n123456789", |e| {
            *e == HttpError::TooLarge { limit: 8 }
        })
        .await;
        check("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n1", |e| {
            matches!(e, HttpError::Broken(_))
        })
        .await;
        check("hello\r\n\r\n", |e| matches!(e, HttpError::Broken(_))).await;
        check("", |e| matches!(e, HttpError::Broken(_))).await;
    }

    #[tokio::test]
    async fn silence_is_a_timeout_and_a_closed_port_no_connection() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let limits = Limits { total: Duration::from_millis(20), ..QUICK };
        let silent = request(Method::GET, &url, None, None, limits).await;
        assert_eq!(silent, Err(HttpError::Timeout(limits.total)));
        drop(listener);
        let closed = request(Method::GET, &url, None, None, QUICK).await.unwrap_err();
        assert_eq!(closed.to_string(), "cannot connect: Connection refused (os error 111)");
    }

    #[tokio::test]
    async fn an_answer_that_came_while_the_process_was_stopped_is_read() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let (tell_asked, asked) = std::sync::mpsc::channel();
        let (tell_answered, answered) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            use std::io::{Read, Write};
            let (mut stream, _) = listener.accept().unwrap();
            assert_ne!(stream.read(&mut [0; 1024]).unwrap(), 0);
            tell_asked.send(()).unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").unwrap();
            tell_answered.send(()).unwrap();
        });
        let limits = Limits { total: Duration::from_secs(1), ..QUICK };
        // Nothing else happens in this process while its only thread is busy.
        let stop = async {
            while asked.try_recv().is_err() {
                tokio::task::yield_now().await;
            }
            let started = std::time::Instant::now();
            answered.recv().unwrap();
            while started.elapsed() < 2 * limits.total {
                std::thread::park_timeout(limits.total);
            }
        };
        let (reply, ()) = tokio::join!(request(Method::GET, &url, None, None, limits), stop);
        assert_eq!(reply, Ok(Reply { status: 200, body: Bytes::from_static(b"ok"), date: None }));
    }

    #[tokio::test]
    async fn a_request_goes_out_as_it_is_written() {
        let (url, asked) = serve("HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\nok").await;
        let headers = [("X-Key".to_owned(), "k".to_owned())];
        let written =
            Written { method: "put", url: &url, headers: &headers, body: Some("a=\"b\"}") };
        assert_eq!(fetch(written, QUICK).await.unwrap().status, 201);
        let asked = asked.await.unwrap();
        assert!(asked.starts_with("PUT /a?b=c HTTP/1.1\r\n"), "{asked}");
        assert!(asked.contains("x-key: k\r\n") && asked.ends_with("a=\"b\"}"), "{asked}");
        for (method, name) in [("G ET", "x"), ("GET", "a b")] {
            let headers = [(name.to_owned(), "k".to_owned())];
            let written = Written { method, url: &url, headers: &headers, body: None };
            assert!(matches!(fetch(written, QUICK).await, Err(HttpError::Broken(_))));
        }
    }

    #[tokio::test]
    async fn a_redirect_to_another_server_takes_no_name_along() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let target = format!("http://{}/there", listener.local_addr().unwrap());
        let asked = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut text = String::new();
            while !text.ends_with("\r\n\r\n") {
                let mut block = [0; 1024];
                let count = stream.read(&mut block).await.unwrap();
                text.push_str(std::str::from_utf8(&block[..count]).unwrap());
            }
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
            stream.write_all(answer).await.unwrap();
            text
        });
        let first = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/here", first.local_addr().unwrap());
        tokio::spawn(async move {
            let (mut stream, _) = first.accept().await.unwrap();
            assert_ne!(stream.read(&mut [0; 1024]).await.unwrap(), 0);
            let answer =
                format!("HTTP/1.1 302 F\r\nlocation: {target}\r\ncontent-length: 0\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.unwrap();
        });
        let headers = [("Authorization", "Bearer t"), ("X-Other", "o")];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let written = Written { method: "GET", url: &url, headers: &headers, body: None };
        assert_eq!(fetch(written, QUICK).await.unwrap().body, "ok");
        let asked = asked.await.unwrap();
        assert!(asked.starts_with("GET /there") && asked.contains("x-other: o"), "{asked}");
        assert!(!asked.contains("Bearer"), "{asked}");
    }

    #[test]
    fn a_location_may_be_short() {
        let check = |location: &str, want: &str| {
            assert_eq!(resolve("https://a.b:1/c/d?e=/f", location), want, "{location}");
        };
        check("http://x/y", "http://x/y");
        check("//x/y", "https://x/y");
        check("/y", "https://a.b:1/y");
        check("y", "https://a.b:1/c/y");
        check("?y", "https://a.b:1/c/d?y");
        assert_eq!(resolve("https://a", "y"), "https://a/y");
    }

    #[tokio::test]
    async fn only_urls_of_the_web_are_called() {
        for url in ["", "localhost:8080", "/health", "ftp://host/", "file:///etc/passwd", "http://"]
        {
            let error = request(Method::GET, url, None, None, QUICK).await.unwrap_err();
            assert!(matches!(error, HttpError::BadUrl { .. }), "{url}: {error}");
        }
        let secrets =
            [("ftp://a:s3cret@host/@", "ftp://***@host/@"), ("a:s3cret@host/x", "***@host/x")];
        for (url, shown) in secrets {
            let error = request(Method::GET, url, None, None, QUICK).await.unwrap_err();
            let said = error.to_string();
            assert!(said.contains(shown) && !said.contains("s3cret"), "{said}");
        }
        let https = request(Method::GET, "https://127.0.0.1:1/", None, None, QUICK).await;
        assert!(matches!(https, Err(HttpError::Connect(_))), "{https:?}");
    }
}
