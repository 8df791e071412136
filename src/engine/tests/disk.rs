//! What the disk has not said to have is not said, done or told by anybody.

use std::fs::{self, File};
use std::sync::Condvar;

use tokio::sync::broadcast::error::TryRecvError;
use tokio::sync::oneshot;

use super::super::handle::{Message, ReplyTo, Tell, stamped};
use super::*;
use crate::store::Reader;

/// A disk that holds everybody up, and then may fail.
#[derive(Default)]
struct Gate {
    state: Mutex<State>,
    opened: Condvar,
}

#[derive(Default)]
struct State {
    is_shut: bool,
    is_broken: bool,
    /// Somebody waits.
    is_asked: bool,
}

impl Gate {
    fn disk(self: &Arc<Self>) -> Disk {
        let gate = Arc::clone(self);
        Box::new(move || gate.wait())
    }

    fn wait(&self) -> io::Result<()> {
        let mut state = self.state.lock().unwrap();
        while state.is_shut {
            state.is_asked = true;
            state = self.opened.wait(state).unwrap();
        }
        // No disk is behind this one, so it fails as one that is gone.
        if state.is_broken { File::open("/dev/null")?.sync_data() } else { Ok(()) }
    }

    fn shut(&self) {
        *self.state.lock().unwrap() = State { is_shut: true, ..State::default() };
    }

    fn open(&self, is_broken: bool) {
        *self.state.lock().unwrap() = State { is_broken, ..State::default() };
        self.opened.notify_all();
    }

    fn is_asked(&self) -> bool {
        self.state.lock().unwrap().is_asked
    }
}

type Answered = oneshot::Receiver<Result<Outcome, EngineError>>;

/// Hands in a delivery, and waits until it is written, but not until it is answered.
fn fire(world: &World) -> Answered {
    let reader = Reader::new(world.dir.path().join(crate::store::FILE));
    let count = || reader.runs(&RunsQuery { limit: 100, ..RunsQuery::default() }).unwrap().len();
    let before = count();
    let (reply, answer): (ReplyTo, Answered) = oneshot::channel();
    let input = Box::new(stamped(Event::Fired(firing())));
    world.engine.waiting.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let confirm = Confirmation::NotNeeded;
    world.engine.to.send(Message::Event { input, confirm, reply: Some(reply) }).ok().unwrap();
    wait_for(|| (count() > before).then_some(()));
    answer
}

/// Asks how many runs there are.
fn count_runs(world: &World) -> oneshot::Receiver<usize> {
    let (reply, count) = oneshot::channel();
    let look = Message::Look(Box::new(move |view| {
        let seen = view.runs.len();
        Box::new(move || reply.send(seen).unwrap_or(())) as Tell
    }));
    world.engine.to.send(look).ok().unwrap();
    count
}

#[test]
fn nothing_is_answered_done_or_told_before_it_is_safe() {
    let gate = Arc::new(Gate::default());
    let (world, writer) = World::over(Some(gate.disk()));
    let mut watch = world.tokio.block_on(world.engine.watch()).unwrap();
    gate.shut();
    let mut answer = fire(&world);
    let mut count = count_runs(&world);
    wait_for(|| gate.is_asked().then_some(()));
    assert!(answer.try_recv().is_err(), "not answered");
    assert!(count.try_recv().is_err(), "not shown");
    assert_eq!(watch.commits.try_recv().unwrap_err(), TryRecvError::Empty, "not told");
    assert!(world.runtime.started.lock().unwrap().is_empty(), "not begun");

    gate.open(false);
    let answer = world.tokio.block_on(answer).unwrap();
    assert!(matches!(answer, Ok(Outcome::Answer(Answer::Fired { .. }))), "{answer:?}");
    assert_eq!(world.tokio.block_on(count).unwrap(), 1);
    assert_eq!(world.tokio.block_on(watch.commits.recv()).unwrap().seq, watch.seq + 1);
    wait_for(|| world.runtime.started.lock().unwrap().first().cloned());
    world.engine.leave();
    writer.join().unwrap().unwrap();
}

#[test]
fn a_disk_that_fails_ends_the_scheduler_and_nobody_is_told_that_something_was_done() {
    let gate = Arc::new(Gate::default());
    let (world, writer) = World::over(Some(gate.disk()));
    let mut watch = world.tokio.block_on(world.engine.watch()).unwrap();
    gate.shut();
    let answers = [fire(&world), fire(&world), fire(&world)];
    gate.open(true);
    for answer in answers {
        let answer = world.tokio.block_on(answer).unwrap();
        assert!(matches!(answer, Err(EngineError::NotWritten { .. })), "{answer:?}");
    }
    world.tokio.block_on(world.engine.ended());
    assert!(writer.join().unwrap().is_err(), "the end is a failure");
    assert_eq!(watch.commits.try_recv().unwrap_err(), TryRecvError::Closed);
    assert!(world.runtime.started.lock().unwrap().is_empty());
    let late = world.tokio.block_on(world.engine.submit(Event::Fired(firing())));
    assert_eq!(late, Err(EngineError::Ended));
    // The log stays for the next start, which checks it.
    let log = world.dir.path().join(format!("{}-wal", crate::store::FILE));
    assert!(fs::metadata(log).unwrap().len() > 0);
    let store = Store::open(world.dir.path()).unwrap();
    assert_eq!(store.load(&rules(), &agents()).unwrap().runs.len(), 3);
}

#[test]
fn what_was_due_while_the_disk_was_full_is_due_again_and_not_at_its_next_time() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let agents = vec![(
        "dev".to_owned(),
        AgentRules { schedule: Some(Cadence::Every(60_000)), ..AgentRules::default() },
    )];
    let view = store.load(&rules(), &agents).unwrap();
    let mut host = Host::new(store, view);
    let began = 1_800_000_000_000;
    let input = |event: Event, at: i64| Input { event, stamp: Stamp { at, id: format!("r{at}") } };
    turn(&mut host, &[input(Event::HostStarted, began)]).unwrap();
    let due = |host: &mut Host| host.due(began + 60_000);
    let tick = due(&mut host);
    assert_eq!(tick, [Event::TimerDue(Timer::Cron("dev".into()))]);
    host.store.set_room(Some(3));
    turn(&mut host, &[input(tick[0].clone(), began + 60_000)]).unwrap_err();
    let fault = crate::scheduler::Fault {
        key: crate::scheduler::Fault::DISK.into(),
        agent: None,
        message: "nothing can be written".into(),
        hint: None,
        file: None,
        line: None,
    };
    let alert = Box::new(crate::scheduler::Alert { at: began, fault });
    host.view.apply(&crate::scheduler::Decision::Raise { alert: alert.clone() });
    assert!(!host.is_fresh(), "it is not called mended before the rows are read again");
    host.store.set_room(None);
    assert_eq!(due(&mut host), tick);
    // No row has the alert, and it stands until somebody could write.
    assert_eq!(host.look().alerts.values().collect::<Vec<_>>(), [&*alert]);
    assert!(host.is_fresh());
}
