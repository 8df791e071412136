//! What people say to runs.

use super::Step;
use crate::scheduler::decision::{Answer, Decision};
use crate::scheduler::model::{Run, Why};
use crate::scheduler::mutant::{Mutant, mutant};
use crate::scheduler::said::{Said, UNREAD_MAX};

impl Step<'_> {
    /// Also to one that is still queued: it hears it when it runs.
    pub(super) fn say(&mut self, run: &str, text: &str, key: Option<&String>, by: &str) {
        let before = self.view.facts.said.unwrap_or_default();
        let Some(live) = self.view.runs.get(run) else {
            return self.answer(match before.ended {
                Some(state) => Answer::Refused(Why::RunEnded { state }),
                None => Answer::NotFound { what: format!("run {run}") },
            });
        };
        if before.same && !mutant(Mutant::SaidTwice) {
            return self.done(format!("told {run} already"), vec![run.to_owned()]);
        }
        if let Some(why) = live.stopping.clone() {
            return self.answer(Answer::Refused(why));
        }
        if before.unread >= UNREAD_MAX {
            return self.answer(Answer::Refused(Why::TooManyUnread { max: UNREAD_MAX }));
        }
        self.out.push(Decision::Said(Box::new(Said {
            run: run.to_owned(),
            seq: before.texts + 1,
            at: self.stamp.at,
            by: by.to_owned(),
            text: text.to_owned(),
            key: key.cloned(),
        })));
        self.done(format!("told {run}"), vec![run.to_owned()]);
    }

    /// What was read stays for the next attempt; it only counts no longer as unread.
    pub(super) fn heard(&mut self, run: &Run, upto: u32) {
        self.out.push(Decision::Heard { run: run.id.clone(), upto });
        self.done("noted", vec![run.id.clone()]);
    }
}
