//! `al attach`: the console over the gateway of a scheduler, here or far away.

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread;
use std::time::{Duration, Instant};

use al_ui::Exit;
use al_wire::{Down, Link, Reply, Up};
use serde::Deserialize;
use tokio::signal::unix::SignalKind;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{sleep, timeout};

use super::client::{Client, Place};
use super::console::{self, Draw};
use super::{Context, output, start};
use crate::failure::Failure;
use crate::http::{self, Events, HttpError, Method, Opened, Server};

/// The largest message of a scheduler: a snapshot of a large project.
const MESSAGE_MAX: usize = 32 * 1024 * 1024;
/// A scheduler says something every 15 s; one that says nothing for so long is gone.
const SILENCE: Duration = Duration::from_secs(40);
/// How often the way there and back is measured.
const MEASURED: Duration = Duration::from_secs(5);
/// How long to wait before coming again, the first time and at most.
const AGAIN: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));
/// Messages that may wait for the console; what comes on top waits at the scheduler.
const DOWN_WAITING: usize = 64;

/// Open the console of a running scheduler
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[command(after_help = "Examples:
  al attach                           the scheduler of this project
  al attach -E vps1                   the one of an environment
  al attach https://al.example.org    the one there
  al attach --read-only               look, and change nothing

The API key is `gateway_api_key` of this machine; it has to be the one there.
Leaving ends nothing. A connection that breaks is made again by itself; until
then the first line says LOST, and for how long.")]
pub struct AttachArgs {
    /// The gateway [default: that of the project's scheduler]
    #[arg(value_name = "URL")]
    pub url: Option<String>,

    /// Offer nothing that changes anything
    #[arg(long)]
    pub read_only: bool,

    #[command(flatten)]
    pub draw: Draw,
}

/// Shows the console until somebody leaves it.
///
/// # Errors
/// When nobody answers there, or the answer is no.
pub fn run(args: &AttachArgs, context: &Context) -> Result<ExitCode, Failure> {
    let client = match &args.url {
        None => Client::find(context)?,
        Some(url) => {
            let url = url.trim_end_matches('/').to_owned();
            http::check_url(&url).map_err(|e| Failure::user("bad_url", e.to_string()))?;
            Client::at(Place { url, remote: true }, context)?
        }
    };
    let tokio = start::tokio()?;
    let server = client.server();
    // The first try answers here, where it can be read; later ones are told in the console.
    let first = tokio.block_on(Session::open(&server)).map_err(|no| no.failure(&client))?;

    let stop = Arc::new(AtomicBool::new(false));
    tokio.block_on(async {
        let terminate = start::listen(SignalKind::terminate())?;
        console::close_on_signals(terminate, &stop)
    })?;
    let (up, said) = mpsc::channel();
    let (down, rows) = mpsc::sync_channel(DOWN_WAITING);
    let said = in_async(said);
    let (url, surroundings) = (client.base().to_owned(), context.clone());
    let with_key_of_now = move || {
        let place = Place { url: url.clone(), remote: true };
        Client::at(place, &surroundings).ok().map(|client| client.server())
    };
    tokio.spawn(carry(server, with_key_of_now, first, said, down));
    let link = al_ui::Link { up, down: rows };
    let options = al_ui::Options {
        project: project(context, client.base()),
        remote: true,
        read_only: args.read_only,
        ..console::options(&args.draw, context)
    };
    match al_ui::run(link, options, stop).map_err(|e| console::no_terminal(&e))? {
        Exit::Host(why) => Err(Failure::upstream("ended", why)),
        Exit::Detach | Exit::Drain | Exit::StopNow | Exit::Signal => {
            output::remark("detached; the scheduler goes on\n");
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// The name in the first line: the project's, when this is its folder.
fn project(context: &Context, base: &str) -> String {
    let host = || base.split("://").nth(1).unwrap_or(base).to_owned();
    context.load().map_or_else(|_| host(), |loaded| loaded.project.name)
}

/// A plain channel as one that can be waited for.
fn in_async(said: Receiver<Up>) -> UnboundedReceiver<Up> {
    let (to, from): (UnboundedSender<Up>, _) = unbounded_channel();
    thread::spawn(move || said.into_iter().try_for_each(|message| to.send(message)));
    from
}

/// Why there is no session.
enum No {
    /// It may be there later.
    Away(HttpError),
    /// It answers, and will answer the same again.
    Refused { status: u16, body: Vec<u8> },
}

impl No {
    fn failure(&self, client: &Client) -> Failure {
        match self {
            Self::Away(error) => client.unreachable(error),
            Self::Refused { status: 404, .. } => {
                Failure::upstream("no_console", format!("{} serves no consoles", client.base()))
                    .hint("is that the gateway of a scheduler, and does it show its API outside?")
            }
            Self::Refused { status, body } => client.refusal(*status, body),
        }
    }

    fn sentence(&self) -> String {
        match self {
            Self::Away(error) => error.to_string(),
            Self::Refused { status: 401 | 403, .. } => "the API key is refused".to_owned(),
            Self::Refused { status, .. } => format!("it answers {status}"),
        }
    }
}

/// A session with the scheduler.
struct Session {
    id: String,
    events: Events,
}

#[derive(Deserialize)]
struct Hello {
    id: String,
}

impl Session {
    async fn open(server: &Server) -> Result<Self, No> {
        let mut events = match server.events("/api/console", MESSAGE_MAX).await {
            Ok(Opened::Stream(events)) => events,
            Ok(Opened::No(reply)) => {
                return Err(No::Refused { status: reply.status, body: reply.body.to_vec() });
            }
            Err(error) => return Err(No::Away(error)),
        };
        let told = events.next(SILENCE).await.map_err(No::Away)?.unwrap_or_default();
        match serde_json::from_str(&told.data) {
            Ok(Hello { id }) if told.event == "session" => Ok(Self { id, events }),
            _ => Err(No::Away(HttpError::Broken("it says nothing a console knows".to_owned()))),
        }
    }

    /// The next message; why the session has ended, otherwise.
    async fn next(&mut self) -> Result<Down, String> {
        let told = self.events.next(SILENCE).await.map_err(|e| e.to_string())?;
        let told = told.ok_or_else(|| "the scheduler closed the connection".to_owned())?;
        match serde_json::from_str(&told.data).map_err(|e| e.to_string())? {
            Down::Bye { why } => Err(why),
            message => Ok(message),
        }
    }
}

/// Carries messages both ways, and comes again when the connection breaks, until the console ends.
async fn carry(
    mut server: Server,
    with_key_of_now: impl Fn() -> Option<Server>,
    first: Session,
    mut said: UnboundedReceiver<Up>,
    down: SyncSender<Down>,
) {
    let mut first = Some(first);
    let mut view = View::default();
    let mut again = AGAIN.0;
    loop {
        let opened = match first.take() {
            Some(session) => Ok(session),
            None => Session::open(&server).await,
        };
        let why = match opened {
            Ok(session) => {
                again = AGAIN.0;
                match attend(&server, session, &mut said, &down, &mut view).await {
                    Attended::Lost(why) => why,
                    Attended::Left => return,
                }
            }
            Err(no) => {
                // The key may have been replaced, here too.
                if matches!(no, No::Refused { status: 401, .. }) {
                    server = with_key_of_now().unwrap_or(server);
                }
                no.sentence()
            }
        };
        if send(&down, Down::Link(Link::Lost { why })).await.is_err() {
            return;
        }
        // What is asked meanwhile is answered by the console itself; what it looks at is noted.
        let pause = async {
            while let Some(message) = said.recv().await {
                view.note(&message);
            }
        };
        if timeout(again, pause).await.is_ok() {
            return;
        }
        again = (again * 2).min(AGAIN.1);
    }
}

enum Attended {
    Lost(String),
    /// The console has ended.
    Left,
}

/// What a new session has to be told of the old one.
#[derive(Default)]
struct View {
    /// The log that is shown.
    tail: Option<Up>,
    /// Commands whose answers have not come.
    asked: BTreeSet<u64>,
}

impl View {
    fn note(&mut self, message: &Up) {
        match message {
            Up::Tail { .. } => self.tail = Some(message.clone()),
            Up::Untail => self.tail = None,
            Up::Submit { id, .. } => {
                self.asked.insert(*id);
            }
            Up::Older { .. } | Up::Why { .. } | Up::Leave(_) | Up::Unknown => {}
        }
    }
}

async fn attend(
    server: &Server,
    mut session: Session,
    said: &mut UnboundedReceiver<Up>,
    down: &SyncSender<Down>,
    view: &mut View,
) -> Attended {
    let path = format!("/api/console/{}", session.id);
    view.asked.clear();
    let (to_say, mut sayings) = unbounded_channel::<Up>();
    if let Some(tail) = &view.tail {
        let _ = to_say.send(tail.clone());
    }
    // One after the other, beside what comes down: an order must not overtake another.
    let mut saying = std::pin::pin!(async {
        while let Some(message) = sayings.recv().await {
            if let Err(why) = say(server, &path, &message, down).await {
                return why;
            }
        }
        std::future::pending().await
    });
    let mut measuring = std::pin::pin!(measure(server, down));
    loop {
        tokio::select! {
            message = session.next() => match message {
                Ok(message) => {
                    if send(down, message).await.is_err() {
                        return Attended::Left;
                    }
                }
                Err(why) => return Attended::Lost(why),
            },
            message = said.recv() => match message {
                Some(message) => {
                    view.note(&message);
                    let _ = to_say.send(message);
                }
                None => return Attended::Left,
            },
            why = &mut saying => return Attended::Lost(why),
            why = &mut measuring => return Attended::Lost(why),
        }
    }
}

/// Says one message of the console. An error is why the session is over.
async fn say(
    server: &Server,
    path: &str,
    message: &Up,
    down: &SyncSender<Down>,
) -> Result<(), String> {
    let json = serde_json::to_value(message).map_err(|e| e.to_string())?;
    let reply = server.ask(Method::POST, path, Some(&json)).await.map_err(|e| e.to_string())?;
    match reply.status {
        204 => Ok(()),
        404 => Err("the scheduler has forgotten this console".to_owned()),
        status => {
            // The session goes on without this one.
            if let Up::Submit { id, .. } = message {
                let why = format!("the gateway answered {status}");
                let _ = send(down, Down::Reply { id: *id, reply: Reply::Refused { why } }).await;
            }
            Ok(())
        }
    }
}

/// Tells from time to time how long the way there and back takes. Ends with why it could not.
async fn measure(server: &Server, down: &SyncSender<Down>) -> String {
    loop {
        let began = Instant::now();
        if let Err(error) = server.ask(Method::GET, "/health", None).await {
            return error.to_string();
        }
        let round_trip_ms = u32::try_from(began.elapsed().as_millis()).unwrap_or(u32::MAX);
        if send(down, Down::Link(Link::Open { round_trip_ms })).await.is_err() {
            return "the console has ended".to_owned();
        }
        sleep(MEASURED).await;
    }
}

/// Sends when there is room, without holding up the runtime.
async fn send(down: &SyncSender<Down>, message: Down) -> Result<(), ()> {
    let down = down.clone();
    let sent = tokio::task::spawn_blocking(move || down.send(message).map_err(drop)).await;
    sent.unwrap_or(Err(()))
}
