//! The accept loop: a task for each connection, time for everything, an end that never hangs.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tower::ServiceExt;

use super::doors::{Door, FULL};
use super::impatient::Impatient;
use super::reply::Problem;
use super::tls::{self, Tls};
use super::{App, routes, shape};

/// The head of a request has to arrive within this time; it is also how long an idle connection is
/// kept.
const HEADERS_IN: Duration = Duration::from_secs(10);
/// From a whole head to the head of its answer, body included.
const ANSWERED_IN: Duration = Duration::from_secs(60);
/// An answer has to be taken within this time.
const ANSWERS_IN: Duration = Duration::from_secs(30);
/// Requests in flight may take this long when the gateway ends.
const LEAVE_IN: Duration = Duration::from_secs(10);
/// Answers that are under way then may take this long, and so may heads of requests.
const FLUSH_IN: Duration = Duration::from_secs(1);
/// Bytes that are read at once; a head of a request may be twice as long. With the number of
/// connections it bounds the memory of heads.
const BUFFER: usize = 16 * 1024;
/// Headers of a request.
const HEADERS: usize = 100;
/// Waited after an accept that failed: mostly there are no files left to open.
const AFTER_FAILURE: Duration = Duration::from_millis(100);

/// Whom a request came from.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub IpAddr);

/// Tells what goes on for long that the gateway ends.
#[derive(Debug, Clone)]
pub struct Stopping(pub watch::Receiver<bool>);

impl Stopping {
    /// Returns when the gateway ends.
    pub async fn wait(&mut self) {
        stopped(&mut self.0).await;
    }
}

/// Where connections come from.
trait Entrance: Sync {
    type Raw: AsyncRead + AsyncWrite + Send + Unpin + 'static;

    fn accept(&self) -> impl Future<Output = io::Result<(Self::Raw, Door)>> + Send;

    /// Tells a sender that there is no room, if that can be done without waiting.
    fn turn_away(stream: &Self::Raw);

    /// What is spoken on a new connection.
    fn speech(&self) -> Self::Speech;

    type Speech: Speech<Self::Raw>;
}

/// What has to happen on a connection before HTTP is spoken.
trait Speech<S>: Send + 'static {
    /// The stream to go on with; none when the other side is not understood.
    fn agree(self, stream: S, from: IpAddr)
    -> impl Future<Output = Option<Box<dyn Duplex>>> + Send;
}

/// Bytes both ways.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Duplex for S {}

/// A port, with a certificate or without.
struct Port {
    listener: TcpListener,
    tls: Option<Arc<Tls>>,
}

impl Entrance for Port {
    type Raw = TcpStream;
    type Speech = Option<Arc<Tls>>;

    async fn accept(&self) -> io::Result<(TcpStream, Door)> {
        let (stream, from) = self.listener.accept().await?;
        // Answers are small; waiting to fill a packet only delays them.
        let _ = stream.set_nodelay(true);
        Ok((stream, Door::Network(address(from))))
    }

    fn turn_away(stream: &TcpStream) {
        let _ = stream.try_write(FULL);
    }

    fn speech(&self) -> Option<Arc<Tls>> {
        self.tls.clone()
    }
}

impl Speech<TcpStream> for Option<Arc<Tls>> {
    async fn agree(self, stream: TcpStream, from: IpAddr) -> Option<Box<dyn Duplex>> {
        match self {
            None => Some(Box::new(stream)),
            Some(tls) => tls::agree(&tls, stream, from).await,
        }
    }
}

/// What runs in containers come through.
impl Entrance for UnixListener {
    type Raw = UnixStream;
    type Speech = ();

    async fn accept(&self) -> io::Result<(UnixStream, Door)> {
        let (stream, _) = Self::accept(self).await?;
        Ok((stream, Door::Containers))
    }

    fn turn_away(stream: &UnixStream) {
        let _ = stream.try_write(FULL);
    }

    fn speech(&self) {}
}

impl Speech<UnixStream> for () {
    async fn agree(self, stream: UnixStream, _: IpAddr) -> Option<Box<dyn Duplex>> {
        Some(Box::new(stream))
    }
}

/// Serves until `stop` says true or its sender is gone. Then it accepts nobody any more, lets requests
/// in flight finish for at most ten seconds, and ends.
pub async fn serve(
    listener: TcpListener,
    tls: Option<Arc<Tls>>,
    app: Arc<App>,
    stop: watch::Receiver<bool>,
) {
    let port = Port { listener, tls: tls.clone() };
    let router = routes::router(Arc::clone(&app));
    let follow = async {
        if let Some(tls) = tls {
            tls.follow(app.engine(), stop.clone()).await;
        }
    };
    tokio::join!(serve_all(port, router, &app, stop.clone()), follow);
}

/// Serves what runs in containers may ask, at a socket that they see and nobody else.
pub async fn serve_containers(listener: UnixListener, app: Arc<App>, stop: watch::Receiver<bool>) {
    serve_all(listener, routes::for_containers(Arc::clone(&app)), &app, stop).await;
}

async fn serve_all<E: Entrance>(
    entrance: E,
    router: Router,
    app: &App,
    mut stop: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = stopped(&mut stop) => break,
            accepted = entrance.accept() => accepted,
            Some(_) = connections.join_next() => continue,
        };
        let (stream, door) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(target: "gateway", error = %error, "a connection was not accepted");
                sleep(AFTER_FAILURE).await;
                continue;
            }
        };
        let each_address = app.config(|gateway| gateway.connections_per_address);
        match app.doors.enter(door, each_address) {
            None => E::turn_away(&stream),
            Some(room) => {
                let (router, speech, stop) = (router.clone(), entrance.speech(), stop.clone());
                connections.spawn(async move {
                    let peer = peer(door);
                    if let Some(stream) = speech.agree(stream, peer.0).await {
                        converse(stream, peer, router, stop).await;
                    }
                    drop(room);
                });
            }
        }
    }
    drop(entrance);
    // Each of them watches its own time.
    while connections.join_next().await.is_some() {}
}

fn address(from: SocketAddr) -> IpAddr {
    from.ip().to_canonical()
}

fn peer(door: Door) -> Peer {
    match door {
        Door::Network(from) => Peer(from),
        Door::Containers => Peer(Ipv4Addr::LOCALHOST.into()),
    }
}

pub(super) async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error means that nobody is left who could stop it in another way.
    let _ = stop.wait_for(|stop| *stop).await;
}

async fn converse(
    stream: Box<dyn Duplex>,
    peer: Peer,
    router: Router,
    mut stop: watch::Receiver<bool>,
) {
    let is_asked = Arc::new(AtomicBool::new(false));
    let stopping = Stopping(stop.clone());
    let service = service_fn(|mut request: Request<Incoming>| {
        let (router, is_asked) = (router.clone(), Arc::clone(&is_asked));
        request.extensions_mut().insert(stopping.clone());
        async move {
            is_asked.store(true, Ordering::Release);
            let answer = answer(request, peer, router).await;
            is_asked.store(false, Ordering::Release);
            Ok::<_, Infallible>(answer)
        }
    });
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(HEADERS_IN);
    server.max_buf_size(BUFFER).max_headers(HEADERS);
    // Who has said everything and closes that direction still wants the answer.
    server.half_close(true);
    let stream = TokioIo::new(Impatient::new(stream, ANSWERS_IN));
    let mut connection = pin!(server.serve_connection(stream, service));
    // What goes wrong on a connection (a reset, rubbish, silence) concerns its sender only.
    tokio::select! {
        _ = connection.as_mut() => return,
        () = stopped(&mut stop) => connection.as_mut().graceful_shutdown(),
    }
    let is_in_flight = is_asked.load(Ordering::Acquire);
    let _ = timeout(if is_in_flight { LEAVE_IN } else { FLUSH_IN }, connection).await;
}

async fn answer(request: Request<Incoming>, peer: Peer, router: Router) -> Response {
    if let Err(problem) = shape::check(&request) {
        return last(problem.into_response());
    }
    let is_chunked = shape::is_chunked(request.headers());
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(peer);
    match timeout(ANSWERED_IN, router.oneshot(request)).await {
        Err(_) => last(Problem::later("there was no answer in time", 10).into_response()),
        Ok(Ok(answer)) if is_chunked => last(answer),
        Ok(Ok(answer)) => answer,
        Ok(Err(never)) => match never {},
    }
}

/// The answer after which the connection ends.
fn last(mut answer: Response) -> Response {
    answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    answer
}
