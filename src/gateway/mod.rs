//! HTTP: deliveries from outside, commands of the operator, signals of running agents.
//!
//! | Who | Routes | Proves itself with |
//! |---|---|---|
//! | anybody | `GET /health` | |
//! | senders | `POST /webhooks/<provider or source>` | a signature over the raw body |
//! | the operator | `/control/*`, `/api/*`, `/dashboard/api/*`, `GET /metrics`, `GET /locks/status` | `Authorization: Bearer <API key>` |
//! | runs, from this machine | `/signals/*`, `/locks/*`, `/slots/*`, `/calls`, `/waits`, `/asks`, `/usage`, `/said`, `/shutdown` | the token of their attempt |
//!
//! Every answer but that of `/metrics` is JSON, errors are `{"error": "..."}`. A 2xx goes out after the commit. What a
//! stranger may use up is bounded: connections, header and body time, body size, and the memory of
//! bodies that are still arriving.

mod api;
mod body;
mod calls;
mod console;
mod control;
mod counters;
mod doors;
mod fields;
mod fixture;
mod impatient;
mod key;
mod locks;
mod metrics;
mod past;
mod port;
mod reply;
mod routes;
mod said;
mod sender;
mod serve;
mod signals;
mod slots;
mod sources;
mod starts;
mod status;
mod table;
mod token;
mod usage;
mod waits;
mod webhook;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::Semaphore;

pub use key::ApiKey;
pub use port::{bind, bind_socket};
pub use routes::{list as routes, router};
pub use serve::{serve, serve_containers};
pub use sources::LiveSources;
pub use token::token;
pub use webhook::firing;

use crate::engine::{Definitions, Handle, Session};
use crate::log::LearningRedactor;

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

/// The gateway of one project. It keeps nothing between requests but counters and
/// who follows what.
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
    wrong_keys: counters::WrongKeys,
    consoles: console::Consoles,
}

impl App {
    pub fn new(setup: Setup) -> Self {
        Self {
            setup,
            doors: doors::Doors::new(),
            large_deliveries: Semaphore::new(body::LARGE_AT_ONCE),
            large_orders: Semaphore::new(body::LARGE_AT_ONCE),
            large_signals: Semaphore::new(body::LARGE_AT_ONCE),
            log_readers: Semaphore::new(api::LOG_READERS),
            streams: api::Streams::new(),
            refused: counters::Refused::default(),
            deliveries: counters::Deliveries::default(),
            wrong_keys: counters::WrongKeys::default(),
            consoles: console::Consoles::default(),
        }
    }

    fn engine(&self) -> &Handle {
        &self.setup.engine
    }

    /// Where the project's logs are.
    fn logs(&self) -> &Path {
        &self.setup.console.logs
    }
}
