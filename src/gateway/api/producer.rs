//! Who makes the pushes of the status stream: one task, as long as anybody listens.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::json;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::dashboard::recent_logs;
use super::feed::{Kind, Push, Stale};
use crate::ambient;
use crate::engine::{self, Change, Mirror, Watch};
use crate::gateway::reply::Problem;
use crate::gateway::{App, status};

/// From one push to the next.
const APART: Duration = Duration::from_millis(500);
/// How long it goes on without a client, so that one that comes back hears what it missed.
const LINGERS: Duration = Duration::from_secs(60);

/// The newest push; none until the first is made.
pub type Newest = Option<Arc<Push>>;

/// The way to the producer, when there is one.
#[derive(Debug, Default)]
pub struct Producer(Mutex<Option<Arc<watch::Sender<Newest>>>>);

impl Producer {
    /// Listens, and begins to produce when nobody did.
    pub fn subscribe(&self, app: &Arc<App>) -> watch::Receiver<Newest> {
        let mut to = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*to {
            Some(to) => to.subscribe(),
            None => {
                let (sender, listener) = watch::channel(None);
                let sender = Arc::new(sender);
                *to = Some(Arc::clone(&sender));
                tokio::spawn(produce(Arc::clone(app), sender));
                listener
            }
        }
    }

    /// Ends the production unless somebody listens.
    fn end_if_alone(&self, sender: &watch::Sender<Newest>) -> bool {
        let mut to = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let alone = sender.receiver_count() == 0;
        if alone {
            *to = None;
        }
        alone
    }

    fn end(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

async fn produce(app: Arc<App>, to: Arc<watch::Sender<Newest>>) {
    let mut production = Production { app, to, stale: BTreeSet::new(), last: None };
    loop {
        let Ok(watch) = production.app.engine().watch().await else { break };
        match production.follow(watch).await {
            Followed::Again => {}
            Followed::Alone => return,
            Followed::Ended => break,
        }
    }
    production.app.streams.producer.end();
}

enum Followed {
    /// The mirror is no longer true and has to be made anew.
    Again,
    Alone,
    Ended,
}

struct Production {
    app: Arc<App>,
    to: Arc<watch::Sender<Newest>>,
    /// What got old since the last push.
    stale: BTreeSet<Stale>,
    /// When the last push was made.
    last: Option<Instant>,
}

impl Production {
    async fn follow(&mut self, mut watch: Watch) -> Followed {
        let names: Vec<String> = watch.view.agents.keys().cloned().collect();
        let last = self.app.engine().read(move |reader| reader.last_runs(&names)).await;
        let mut mirror = Mirror::new(&watch, last.unwrap_or_default());
        let mut due = Some(self.next_push());
        let mut leave: Option<Instant> = None;
        let app = Arc::clone(&self.app);
        loop {
            tokio::select! {
                commit = watch.commits.recv() => match commit {
                    Ok(commit) => {
                        let changes = mirror.apply(&commit);
                        changes.iter().for_each(|change| self.note(change));
                        if changes.iter().any(|change| matches!(change, Change::Added(_))) {
                            // It may have a history.
                            return Followed::Again;
                        }
                        if !changes.is_empty() && due.is_none() {
                            due = Some(self.next_push());
                        }
                    }
                    Err(RecvError::Lagged(_)) => {
                        self.stale.extend([Kind::Runs, Kind::Triggers, Kind::Stats,
                            Kind::Instance, Kind::Config].map(Stale::all));
                        return Followed::Again;
                    }
                    Err(RecvError::Closed) => return Followed::Ended,
                },
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                    let pushed = self.push(&mirror).await;
                    self.last = Some(Instant::now());
                    // What could not be read is tried again.
                    due = pushed.is_err().then(|| self.next_push());
                }
                () = self.to.closed(), if leave.is_none() => {
                    leave = Some(Instant::now() + LINGERS);
                }
                () = sleep_until(leave.unwrap_or_else(Instant::now)), if leave.is_some() => {
                    if app.streams.producer.end_if_alone(&self.to) {
                        return Followed::Alone;
                    }
                    leave = None;
                }
                () = app.engine().ended() => return Followed::Ended,
            }
        }
    }

    fn next_push(&self) -> Instant {
        self.last.map_or_else(Instant::now, |last| last + APART)
    }

    fn note(&mut self, change: &Change) {
        match change {
            Change::Run(run) => {
                self.stale.insert(Stale::of(Kind::Runs, &run.agent));
                self.stale.insert(Stale::all(Kind::Stats));
                self.stale.insert(Stale::run(&run.agent, &run.id));
            }
            Change::Receipt(_) => {
                self.stale.insert(Stale::all(Kind::Triggers));
            }
            Change::Added(agent) | Change::Redefined(agent) | Change::Removed(agent) => {
                self.stale.insert(Stale::of(Kind::Config, agent));
            }
            // The state itself says so.
            Change::Host
            | Change::Paused(..)
            | Change::Draining
            | Change::Agent(_)
            | Change::Raised(_)
            | Change::Cleared(_) => {}
        }
    }

    async fn push(&mut self, mirror: &Mirror) -> Result<(), Problem> {
        let counted = self.app.engine().read(engine::totals).await?;
        let logs = recent_logs(&self.app).await?;
        let defined = self.app.setup.definitions.get();
        let state = json!({
            "agents": status::agents(mirror, &defined.facts, &counted),
            "schedulerInfo": status::scheduler(&self.app, &mirror.view, &defined.facts),
            "recentLogs": logs,
            "instances": status::live(&mirror.view),
        })
        .to_string();
        let stale = std::mem::take(&mut self.stale);
        let before = self.to.borrow().clone();
        let push = match before {
            Some(before) => before.next(&state, stale),
            None => Push::first(ambient::now_ms(), &state),
        };
        self.to.send_replace(Some(Arc::new(push)));
        Ok(())
    }
}
