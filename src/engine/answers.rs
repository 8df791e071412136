//! Answers on their way out.
//!
//! Waking those who wait, and freeing what their events brought along, takes the writer longer than
//! it may seem: every wake-up is a system call, and the memory belongs to other threads. A crowd is
//! answered from a thread of its own, while the writer is at the next commit.

use std::io;
use std::sync::mpsc::{self, Sender};
use std::thread;

use super::handle::{EngineError, Outcome, ReplyTo};
use super::turn::Input;
use crate::scheduler::Decision;

/// Up to this many are answered at once: for them another thread would only be a detour.
const FEW: usize = 2;

/// An answer and who waits for it.
pub type Answered = (ReplyTo, Result<Outcome, EngineError>);

/// Sends answers out.
#[derive(Debug)]
pub struct Answers {
    crowd: Sender<(Vec<Answered>, Waste)>,
}

/// What nobody needs any more.
pub type Waste = (Vec<Input>, Vec<Vec<Decision>>);

impl Answers {
    /// # Errors
    /// When there is no thread to be had.
    pub fn start() -> io::Result<Self> {
        let (crowd, crowds) = mpsc::channel::<(Vec<Answered>, Waste)>();
        thread::Builder::new().name("answers".to_owned()).spawn(move || {
            for (answers, waste) in crowds {
                send(answers);
                drop(waste);
            }
        })?;
        Ok(Self { crowd })
    }

    /// Gives each caller its answer. For many of them a thread of its own does it, and drops `waste`.
    pub fn give(&self, answers: Vec<Answered>, waste: Waste) {
        if answers.len() <= FEW {
            return send(answers);
        }
        if let Err(mpsc::SendError((answers, _))) = self.crowd.send((answers, waste)) {
            send(answers);
        }
    }
}

fn send(answers: Vec<Answered>) {
    for (reply, outcome) in answers {
        // The caller may have gone; what it asked for is on disk all the same.
        let _ = reply.send(outcome);
    }
}
