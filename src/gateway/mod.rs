//! HTTP: deliveries from outside, commands of the operator, signals of running agents.
//!
//! | Who | Routes | Proves itself with |
//! |---|---|---|
//! | anybody | `GET /health` | |
//! | senders | `POST /webhooks/<provider or source>` | a signature over the raw body |
//! | the operator | `/control/*`, `/api/*`, `/dashboard/api/*`, `GET /metrics`, `GET /locks/status` | `Authorization: Bearer <API key>`, or the cookie of a session (`/api/auth/*`) |
//! | runs, from this machine | `/signals/*`, `/locks/*`, `/slots/*`, `/calls`, `/waits`, `/asks`, `/usage`, `/said`, `/shutdown` | the token of their attempt |
//!
//! Every answer but that of `/metrics` is JSON, errors are `{"error": "..."}`. A 2xx goes out after the commit. What a
//! stranger may use up is bounded: connections, time, sizes, the memory of bodies that are still
//! arriving, and how often a delivery may prove nothing. For other machines, and for whoever comes
//! through a proxy, there are only the first two rows, and the third with `gateway.api`.

mod admit;
mod api;
mod audit;
mod auth;
mod body;
mod calls;
mod clean;
mod console;
mod control;
mod counters;
mod digest;
mod doors;
mod failures;
mod fields;
mod fixture;
mod impatient;
mod key;
mod locks;
mod metrics;
mod past;
mod port;
mod proxy;
mod rate;
mod receipts;
mod refusals;
mod replay;
mod reply;
mod routes;
mod said;
mod sender;
mod serve;
mod sessions;
mod shape;
mod signals;
mod slots;
mod sources;
mod starts;
mod status;
mod table;
mod throttle;
mod tls;
mod token;
mod usage;
mod waits;
mod webhook;
mod who;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::Semaphore;

pub use key::ApiKey;
pub use port::{bind, bind_socket};
pub use replay::{NoReplay, replay};
pub use routes::{list as routes, router};
pub use serve::{Peer, serve, serve_containers};
pub use sources::LiveSources;
pub use tls::{Pair, Tls};
pub use token::token;
pub use webhook::firing;

use crate::engine::{Definitions, Handle, Session};
use crate::log::LearningRedactor;
use crate::project::model::Gateway;

/// What the gateway is made from.
#[derive(Debug)]
pub struct Setup {
    pub engine: Handle,
    pub definitions: Arc<Definitions>,
    pub sources: Arc<LiveSources>,
    pub api_key: ApiKey,
    /// Signs the tokens of attempts; the same after a restart.
    pub token_key: [u8; 32],
    /// The project's folder: changes of scale are written to its files.
    pub project_dir: PathBuf,
    /// Takes secrets out of what runs report.
    pub redactor: LearningRedactor,
    /// What a console that is attached gets; who commands is told by its request.
    pub console: Session,
}

/// The gateway of one project. It keeps nothing between requests but counters, sessions and who
/// follows what.
#[derive(Debug)]
pub struct App {
    setup: Setup,
    /// The same for all entrances.
    doors: doors::Doors,
    /// Turns of large deliveries, which anybody may send.
    large_deliveries: Semaphore,
    /// Turns of large orders, which need the operator's key before their body is read.
    large_orders: Semaphore,
    /// Turns of large signals of the runs on this machine.
    large_signals: Semaphore,
    /// Turns of those who read logs.
    log_readers: Semaphore,
    streams: api::Streams,
    refused: counters::Refused,
    deliveries: counters::Deliveries,
    refusals: refusals::Refusals,
    rates: rate::Rates,
    throttle: throttle::Throttle,
    failures: failures::Failures,
    sessions: sessions::Sessions,
    consoles: console::Consoles,
}

impl App {
    pub fn new(setup: Setup) -> Self {
        Self {
            doors: doors::Doors::new(),
            large_deliveries: Semaphore::new(body::LARGE_AT_ONCE),
            large_orders: Semaphore::new(body::LARGE_AT_ONCE),
            large_signals: Semaphore::new(body::LARGE_AT_ONCE),
            log_readers: Semaphore::new(api::LOG_READERS),
            streams: api::Streams::new(),
            refused: counters::Refused::default(),
            deliveries: counters::Deliveries::default(),
            refusals: refusals::Refusals::default(),
            rates: rate::Rates::default(),
            throttle: throttle::Throttle::default(),
            failures: failures::Failures::default(),
            sessions: sessions::Sessions::new(setup.api_key.now().0),
            consoles: console::Consoles::default(),
            setup,
        }
    }

    fn engine(&self) -> &Handle {
        &self.setup.engine
    }

    /// What `[gateway]` says now.
    fn config<T>(&self, look: impl FnOnce(&Gateway) -> T) -> T {
        look(&self.setup.definitions.get().project.config.gateway)
    }

    /// Where the project's logs are.
    fn logs(&self) -> &Path {
        &self.setup.console.logs
    }
}
