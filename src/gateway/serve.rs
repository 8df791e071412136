//! The accept loop: a task for each connection, time for headers, an end that never hangs.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
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

use super::doors::FULL;
use super::impatient::Impatient;
use super::{App, routes};

/// The head of a request has to arrive within this time; it is also how long an idle connection is
/// kept.
const HEADERS_IN: Duration = Duration::from_secs(10);
/// An answer has to be taken within this time.
const ANSWERS_IN: Duration = Duration::from_secs(30);
/// Requests in flight may take this long when the gateway ends.
const LEAVE_IN: Duration = Duration::from_secs(3);
/// Bytes that are read at once; a head of a request may be twice as long.
const BUFFER: usize = 64 * 1024;
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
    type Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static;

    fn accept(&self) -> impl Future<Output = io::Result<(Self::Stream, Peer)>> + Send;

    /// Tells a sender that there is no room, if that can be done without waiting.
    fn turn_away(stream: &Self::Stream);
}

impl Entrance for TcpListener {
    type Stream = TcpStream;

    async fn accept(&self) -> io::Result<(TcpStream, Peer)> {
        let (stream, from) = Self::accept(self).await?;
        // Answers are small; waiting to fill a packet only delays them.
        let _ = stream.set_nodelay(true);
        Ok((stream, peer(from)))
    }

    fn turn_away(stream: &TcpStream) {
        let _ = stream.try_write(FULL);
    }
}

/// What runs in containers come through.
impl Entrance for UnixListener {
    type Stream = UnixStream;

    async fn accept(&self) -> io::Result<(UnixStream, Peer)> {
        let (stream, _) = Self::accept(self).await?;
        Ok((stream, Peer(Ipv4Addr::LOCALHOST.into())))
    }

    fn turn_away(stream: &UnixStream) {
        let _ = stream.try_write(FULL);
    }
}

/// Serves until `stop` says true or its sender is gone, then lets requests in flight finish for at
/// most three seconds.
pub async fn serve(listener: TcpListener, app: Arc<App>, stop: watch::Receiver<bool>) {
    serve_all(listener, routes::router(Arc::clone(&app)), &app, stop).await;
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
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(target: "gateway", error = %error, "a connection was not accepted");
                sleep(AFTER_FAILURE).await;
                continue;
            }
        };
        match app.doors.enter(peer.0) {
            None => E::turn_away(&stream),
            Some(room) => {
                let (router, stop) = (router.clone(), stop.clone());
                connections.spawn(async move {
                    converse(stream, peer, router, stop).await;
                    drop(room);
                });
            }
        }
    }
    drop(entrance);
    let all = async { while connections.join_next().await.is_some() {} };
    // Dropping the set cuts the ones that hang.
    let _ = timeout(LEAVE_IN, all).await;
}

fn peer(from: SocketAddr) -> Peer {
    Peer(from.ip().to_canonical())
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error means that nobody is left who could stop it in another way.
    let _ = stop.wait_for(|stop| *stop).await;
}

async fn converse(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    peer: Peer,
    router: Router,
    mut stop: watch::Receiver<bool>,
) {
    let stopping = Stopping(stop.clone());
    let service = service_fn(move |request: Request<Incoming>| {
        let (router, stopping) = (router.clone(), stopping.clone());
        async move {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(peer);
            request.extensions_mut().insert(stopping);
            let answer: Result<_, Infallible> = router.oneshot(request).await;
            answer
        }
    });
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(HEADERS_IN).max_buf_size(BUFFER);
    // Who has said everything and closes that direction still wants the answer.
    server.half_close(true);
    let stream = TokioIo::new(Impatient::new(stream, ANSWERS_IN));
    let mut connection = pin!(server.serve_connection(stream, service));
    // What goes wrong on a connection (a reset, rubbish, silence) concerns its sender only.
    tokio::select! {
        _ = connection.as_mut() => {}
        () = stopped(&mut stop) => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}
