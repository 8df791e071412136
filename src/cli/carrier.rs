//! Carries the messages of a console to the gateway of a scheduler and back, comes again when the
//! connection breaks, and turns to another scheduler when it is told to.

use std::sync::mpsc::{Receiver, SyncSender};
use std::thread;
use std::time::{Duration, Instant};

use al_wire::{Down, Link, Reply, Steer, Up};
use serde::Deserialize;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{sleep, timeout};

use super::client::{Client, Place};
use super::{Context, environments};
use crate::engine::send_down;
use crate::failure::Failure;
use crate::http::{Events, HttpError, Method, Opened, Server};

/// The largest message of a scheduler: a snapshot of a large project.
const MESSAGE_MAX: usize = 32 * 1024 * 1024;
/// A scheduler says something every 15 s; one that says nothing for so long is gone.
const SILENCE: Duration = Duration::from_secs(40);
/// How often the way there and back is measured.
const MEASURED: Duration = Duration::from_secs(5);
/// How long to wait before coming again, the first time and at most.
const AGAIN: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));
/// Messages that may wait for the console; what comes on top waits at the scheduler.
pub const DOWN_WAITING: usize = 64;

/// Which scheduler it leads to.
#[derive(Debug, Clone)]
pub struct Aim {
    pub place: Place,
    /// The name in the first line.
    pub project: String,
}

impl Aim {
    /// The environment it leads to, as far as anything says so.
    pub fn environment(&self, context: &Context) -> Option<String> {
        let bound = || context.load().ok()?.project.environment;
        self.place.environment.clone().or_else(|| context.named().map(str::to_owned)).or_else(bound)
    }

    /// A scheduler of which nothing else is known.
    pub fn at(place: Place) -> Self {
        let host = place.url.split("://").nth(1).unwrap_or(&place.url).to_owned();
        Self { place, project: host }
    }

    /// With the key of now.
    ///
    /// # Errors
    /// When the key cannot be read.
    pub fn client(&self, context: &Context) -> Result<Client, Failure> {
        Client::at(self.place.clone(), context)
    }
}

/// A plain channel as one that can be waited for.
pub fn in_async(said: Receiver<Up>) -> UnboundedReceiver<Up> {
    let (to, from): (UnboundedSender<Up>, _) = unbounded_channel();
    thread::spawn(move || said.into_iter().all(|message| to.send(message).is_ok()));
    from
}

/// Why there is no session.
pub enum No {
    /// It may be there later.
    Away(HttpError),
    /// It answers, and will answer the same again.
    Refused { status: u16, body: Vec<u8> },
}

impl No {
    pub fn failure(&self, client: &Client) -> Failure {
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
pub struct Session {
    id: String,
    events: Events,
}

#[derive(Deserialize)]
struct Hello {
    id: String,
}

impl Session {
    pub async fn open(server: &Server) -> Result<Self, No> {
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

/// Carries messages both ways until the console ends.
pub async fn carry(
    mut aim: Aim,
    context: Context,
    first: Session,
    mut said: UnboundedReceiver<Up>,
    down: SyncSender<Down>,
) {
    let mut first = Some(first);
    let mut view = View::default();
    let mut again = AGAIN.0;
    let mut server: Option<Server> = None;
    loop {
        let opened = match (first.take(), &server) {
            (Some(session), _) => Ok(session),
            (None, Some(server)) => Session::open(server).await.map_err(Some),
            (None, None) => Err(None),
        };
        // The key may have been replaced, here too.
        if server.is_none() || matches!(opened, Err(Some(No::Refused { status: 401, .. }))) {
            server = aim.client(&context).ok().map(|client| client.server()).or(server);
        }
        // A scheduler of this machine may have come back at another port.
        if let (Err(Some(No::Away(_))), false) = (&opened, aim.place.remote) {
            let context = context.clone();
            let found = tokio::task::spawn_blocking(move || Client::find(&context)).await;
            if let Ok(Ok(client)) = found
                && !client.place().remote
            {
                (aim.place, server) = (client.place().clone(), Some(client.server()));
            }
        }
        let why = match (opened, &server) {
            (Ok(session), Some(server)) => {
                again = AGAIN.0;
                match attend(server, &aim, session, &mut said, &down, &mut view, &context).await {
                    Attended::Lost(why) => Some(why),
                    Attended::Left => return,
                    Attended::Turned(next, session) => {
                        (aim, view, first) = (next, View::default(), Some(session));
                        None
                    }
                }
            }
            (Err(Some(no)), _) => Some(no.sentence()),
            (Ok(_) | Err(None), _) => Some("the API key cannot be read".to_owned()),
        };
        let Some(why) = why else {
            server = None;
            continue;
        };
        if send_down(&down, Down::Link(Link::Lost { why })).await.is_err() {
            return;
        }
        // What is asked meanwhile is answered by the console itself; what it looks at is noted.
        let pause = async {
            while let Some(message) = said.recv().await {
                match message {
                    Up::Steer(steer) => return Some(steer),
                    message => view.note(&message),
                }
            }
            None
        };
        match timeout(again, pause).await {
            Err(_) => again = (again * 2).min(AGAIN.1),
            Ok(None) => return,
            Ok(Some(steer)) => match turn(steer, &context, &down).await {
                Ok(Some((next, session))) => {
                    (aim, view, first, server) = (next, View::default(), Some(session), None);
                }
                Ok(None) => {}
                Err(()) => return,
            },
        }
    }
}

/// Turns to another scheduler. None when that cannot be, which was told; an error when the console
/// has ended.
async fn turn(
    steer: Steer,
    context: &Context,
    down: &SyncSender<Down>,
) -> Result<Option<(Aim, Session)>, ()> {
    let opened = match steer {
        Steer::Turn { environment } => {
            reach(&environment, context).await.map_err(|why| format!("{environment}: {why}"))
        }
        Steer::Seek { .. } | Steer::SeekTo { .. } | Steer::Speed { .. } | Steer::Unknown => {
            Err("only a recording has a time to go to".to_owned())
        }
    };
    match opened {
        Ok((aim, session)) => {
            let environment = aim.place.environment.clone().unwrap_or_default();
            let link = Link::Turned { environment, project: aim.project.clone() };
            send_down(down, Down::Link(link)).await?;
            Ok(Some((aim, session)))
        }
        Err(why) => {
            send_down(down, Down::Link(Link::Refused { why })).await?;
            Ok(None)
        }
    }
}

async fn reach(environment: &str, context: &Context) -> Result<(Aim, Session), String> {
    let place = environments::place(environment, context).map_err(|failure| failure.message)?;
    let place = place.ok_or_else(|| format!("the environment {environment} has no gateway.url"))?;
    let aim = Aim::at(place);
    let client = aim.client(context).map_err(|failure| failure.message)?;
    let session = Session::open(&client.server()).await.map_err(|no| no.sentence())?;
    Ok((aim, session))
}

enum Attended {
    Lost(String),
    /// The console has ended.
    Left,
    /// It looks at another scheduler from here on.
    Turned(Aim, Session),
}

/// What a new session has to be told of the old one.
#[derive(Default)]
struct View {
    /// The log that is shown.
    tail: Option<Up>,
}

impl View {
    fn note(&mut self, message: &Up) {
        match message {
            Up::Tail { .. } => self.tail = Some(message.clone()),
            Up::Untail => self.tail = None,
            // Whoever records asks again at each snapshot.
            Up::Follow { .. } => {}
            // These a console asks for anew once it has a new snapshot.
            Up::Count { .. } | Up::Past { .. } => {}
            // A page of the past is asked for anew.
            Up::Submit { .. }
            | Up::Older { .. }
            | Up::Newer { .. }
            | Up::At { .. }
            | Up::Find { .. }
            | Up::Unfind
            | Up::Why { .. }
            | Up::Page(_)
            | Up::Leave(_)
            | Up::Steer(_)
            | Up::Unknown => {}
        }
    }
}

async fn attend(
    server: &Server,
    aim: &Aim,
    mut session: Session,
    said: &mut UnboundedReceiver<Up>,
    down: &SyncSender<Down>,
    view: &mut View,
    context: &Context,
) -> Attended {
    let path = format!("/api/console/{}", session.id);
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
    let mut measuring = std::pin::pin!(measure(server, &aim.place.url, down));
    loop {
        tokio::select! {
            message = session.next() => match message {
                Ok(message) => {
                    if send_down(down, message).await.is_err() {
                        return Attended::Left;
                    }
                }
                Err(why) => return Attended::Lost(why),
            },
            message = said.recv() => match message {
                Some(Up::Steer(steer)) => match turn(steer, context, down).await {
                    Ok(Some((aim, session))) => return Attended::Turned(aim, session),
                    Ok(None) => {}
                    Err(()) => return Attended::Left,
                },
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
            let why = format!("the gateway answered {status}");
            let answer = match (message, message.question()) {
                (Up::Submit { id, .. }, _) => {
                    Some(Down::Reply { id: *id, reply: Reply::Refused { why } })
                }
                (_, Some(asked)) => Some(Down::Unanswered { asked, why }),
                (_, None) => None,
            };
            if let Some(answer) = answer {
                let _ = send_down(down, answer).await;
            }
            Ok(())
        }
    }
}

/// Tells from time to time how long the way there and back takes. Ends with why it could not.
async fn measure(server: &Server, url: &str, down: &SyncSender<Down>) -> String {
    loop {
        let began = Instant::now();
        if let Err(error) = server.ask(Method::GET, "/health", None).await {
            return error.to_string();
        }
        let round_trip_ms = u32::try_from(began.elapsed().as_millis()).unwrap_or(u32::MAX);
        let link = Link::Open { round_trip_ms, url: Some(url.to_owned()) };
        if send_down(down, Down::Link(link)).await.is_err() {
            return "the console has ended".to_owned();
        }
        sleep(MEASURED).await;
    }
}
