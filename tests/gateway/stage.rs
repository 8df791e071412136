//! A runtime whose programs run until a test, or the scheduler, ends them.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use action_llama::runtime::{Answer, Exit, ExitWhy, Handle, Presence, Runtime, Spec};
use tokio::sync::watch;

type Key = (String, u32);

#[derive(Default)]
pub struct Stage {
    on: Mutex<HashMap<Key, Actor>>,
}

struct Actor {
    spec: Spec,
    exit: watch::Sender<Option<Exit>>,
}

pub fn exit(why: ExitWhy, code: i32) -> Exit {
    Exit {
        code: Some(code),
        signal: None,
        why,
        started_ms: 1,
        ended_ms: 2,
        return_value: None,
        rerun: false,
        exit_signal: None,
        status: None,
        spent: None,
        lines: 0,
        dropped_lines: 0,
    }
}

impl Stage {
    /// What the newest attempt of a run was started with.
    pub fn spec(&self, run: &str) -> Option<Spec> {
        let on = self.on.lock().unwrap();
        let attempts = on.iter().filter(|((id, _), _)| id == run);
        attempts.max_by_key(|((_, n), _)| *n).map(|(_, actor)| actor.spec.clone())
    }

    /// Ends an attempt; false when it is not there.
    pub fn end(&self, run: &str, attempt: u32, exit: Exit) -> bool {
        let on = self.on.lock().unwrap();
        let actor = on.get(&(run.to_owned(), attempt));
        actor.is_some_and(|actor| actor.exit.send_replace(Some(exit)).is_none())
    }
}

impl Runtime for Stage {
    fn start(&self, spec: Spec) -> Answer<'_, Handle> {
        let handle = Handle { run: spec.run.clone(), attempt: spec.attempt, pid: 1 };
        let key = (spec.run.clone(), spec.attempt);
        let actor = Actor { spec, exit: watch::Sender::new(None) };
        self.on.lock().unwrap().insert(key, actor);
        Box::pin(async { Ok(handle) })
    }

    fn stop<'a>(&'a self, run: &'a str, attempt: u32, _grace: Duration) -> Answer<'a, bool> {
        Box::pin(async move { Ok(self.end(run, attempt, exit(ExitWhy::Stopped, 143))) })
    }

    fn suspend<'a>(&'a self, _: &'a str, _: u32) -> Answer<'a, bool> {
        Box::pin(async { Ok(true) })
    }

    fn resume<'a>(&'a self, _: &'a str, _: u32) -> Answer<'a, bool> {
        Box::pin(async { Ok(true) })
    }

    fn inspect<'a>(&'a self, _run: &'a str, _attempt: u32) -> Answer<'a, Presence> {
        Box::pin(async { Ok(Presence::Absent) })
    }

    fn wait<'a>(&'a self, handle: &'a Handle) -> Answer<'a, Exit> {
        Box::pin(async move {
            let mut exit = {
                let on = self.on.lock().unwrap();
                on[&(handle.run.clone(), handle.attempt)].exit.subscribe()
            };
            let exit = exit.wait_for(Option::is_some).await.unwrap().clone();
            Ok(exit.unwrap())
        })
    }

    fn remove<'a>(&'a self, run: &'a str) -> Answer<'a, bool> {
        let of_run = |(id, _): &Key| id == run;
        let mut on = self.on.lock().unwrap();
        let live = on.iter().any(|(key, actor)| of_run(key) && actor.exit.borrow().is_none());
        if !live {
            on.retain(|key, _| !of_run(key));
        }
        Box::pin(async move { Ok(!live) })
    }

    fn leftovers(&self, _: i64) -> Answer<'_, Vec<String>> {
        let runs = self.on.lock().unwrap().keys().map(|(run, _)| run.clone()).collect();
        Box::pin(async { Ok(runs) })
    }
}
