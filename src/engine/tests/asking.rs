//! What a console asks for is answered, beside whatever else goes on.

use std::sync::mpsc::Receiver;

use al_wire::{LogLevel, PageOf, PageQuery, Question};
use rustix::fs::{CWD, Mode, mkfifoat};

use super::*;

fn until<T>(rows: &Receiver<Down>, wanted: impl Fn(Down) -> Option<T>) -> T {
    loop {
        let next = rows.recv_timeout(Duration::from_secs(20)).unwrap();
        if let Some(found) = wanted(next) {
            return found;
        }
    }
}

#[test]
fn a_log_that_takes_long_to_read_holds_up_nothing_else() {
    let world = World::new();
    let logs = world.dir.path().join("logs");
    std::fs::create_dir(&logs).unwrap();
    let today = crate::log::day_of(crate::ambient::now_ms());
    // Who reads it waits until somebody writes to it.
    let slow = logs.join(format!("dev-{today}.log"));
    mkfifoat(CWD, &slow, Mode::RUSR | Mode::WUSR).unwrap();
    let (up, rows) = world.console();
    let only = Sieve { level: LogLevel::Error, ..Sieve::default() };
    let source = LogSource::Agent("dev".into());
    up.send(Up::Tail { source: source.clone(), limit: 9, only, ask: 7 }).unwrap();
    up.send(Up::Why { id: "nobody".into() }).unwrap();
    until(&rows, |down| match down {
        Down::Why { .. } => Some(()),
        Down::Log(chunk) => panic!("read already: {chunk:?}"),
        _ => None,
    });
    // Another log is wanted meanwhile; what was begun before is told no more.
    let other = LogSource::Scheduler;
    up.send(Up::Tail { source: other.clone(), limit: 9, only: Sieve::default(), ask: 8 }).unwrap();
    let log = |down| if let Down::Log(chunk) = down { Some(chunk) } else { None };
    assert_eq!(until(&rows, log).ask, 8);
    let _writer = std::fs::File::options().read(true).write(true).open(&slow).unwrap();
    up.send(Up::Tail { source, limit: 9, only: Sieve::default(), ask: 9 }).unwrap();
    assert_eq!(until(&rows, log).ask, 9);
}

#[test]
fn a_question_that_cannot_be_answered_is_not_left_open() {
    let world = World::new();
    let (up, rows) = world.console();
    let (agent, filter, before) = (None, String::new(), None);
    let query = PageQuery { of: PageOf::Runs, agent, filter, before, limit: 9 };
    world.engine.leave();
    let refused = || {
        up.send(Up::Page(query.clone())).unwrap();
        until(&rows, |down| match down {
            Down::Unanswered { asked, why } => Some(Some((asked, why))),
            Down::Page(_) => Some(None),
            _ => None,
        })
    };
    let (asked, why) = wait_for(refused);
    assert_eq!(asked, Question::Page(query.clone()));
    assert!(!why.is_empty());
    let source = LogSource::Merged(Vec::new());
    let (what, only) = (Sieve::default(), Sieve::default());
    up.send(Up::Find { id: 3, source, from: None, back: true, what, only, limit: 9 }).unwrap();
    let found = until(&rows, |down| if let Down::Find(find) = down { Some(find) } else { None });
    assert_eq!((found.id, found.state), (3, al_wire::FindState::Nothing));
}
