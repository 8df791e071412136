//! Playing a recording back.

use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::line::{Asked, Line};
use super::recorder::shape;
use super::{Memory, VERSION};
use crate::llm::{Answer, Fault, FaultKind, Hear, Message, Model, Part, Piece, Reply, Request};

/// A model that replies what a recording says, in order and at once.
///
/// A fault after which another model was asked is passed over: a replay is one model, and what is
/// played back is the conversation.
#[derive(Debug)]
pub struct Replay {
    path: PathBuf,
    rest: Mutex<Rest>,
}

#[derive(Debug)]
struct Rest {
    exchanges: VecDeque<Exchange>,
    memory: Memory,
    played: usize,
}

#[derive(Debug)]
struct Exchange {
    /// The line of what came of it, counted from 1.
    number: usize,
    asked: Option<Asked>,
    outcome: Result<Reply, Fault>,
}

impl Replay {
    /// Reads a recording whole.
    ///
    /// # Errors
    /// [`FaultKind::Setup`], with the file and the line, when it cannot be read, is broken or comes
    /// from a newer version.
    pub fn open(path: &Path) -> Result<Self, Fault> {
        let broken = |place: String, what: &str| {
            let message = format!("recording {}{place}: {what}", path.display());
            Fault::new(FaultKind::Setup, message)
        };
        let text = fs::read_to_string(path)
            .map_err(|error| broken(String::new(), &format!("cannot be read: {error}")))?;
        let exchanges = exchanges(&text)
            .map_err(|(number, what)| broken(format!(":{number}"), &what))?;
        let rest = Rest { exchanges, memory: Memory::default(), played: 0 };
        Ok(Self { path: path.to_owned(), rest: Mutex::new(rest) })
    }

    fn next(&self, request: &Request) -> Result<Reply, Fault> {
        let mut rest = self.rest.lock().unwrap_or_else(PoisonError::into_inner);
        let went = |what: String| {
            let message = format!("recording {}{what}", self.path.display());
            Fault::new(FaultKind::Setup, message)
        };
        let Some(exchange) = rest.exchanges.pop_front() else {
            let played = rest.played;
            return Err(went(format!(" is at its end after {played} replies; the run goes on")));
        };
        rest.played += 1;
        let kept = rest.memory.kept(&request.messages);
        if let Some(asked) = &exchange.asked {
            let (recorded, now) = (shapes(&asked.messages), shapes(&request.messages[kept..]));
            if recorded != now {
                let place = exchange.number;
                let message = format!(":{place}: the run goes another way: it sends {now}, and the \
                                       recording has {recorded} here");
                return Err(went(message));
            }
        }
        exchange.outcome
    }
}

fn shapes(messages: &[Message]) -> String {
    let shapes: Vec<String> = messages.iter().map(shape).collect();
    if shapes.is_empty() { "nothing new".to_owned() } else { shapes.join("; ") }
}

/// All exchanges in order, or the number of a line and what is wrong with it.
fn exchanges(text: &str) -> Result<VecDeque<Exchange>, (usize, String)> {
    let lines = text.lines().enumerate().map(|(at, line)| (at + 1, line.trim()));
    let mut lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with("//"));
    let (first, header) = lines.next().unwrap_or((1, ""));
    match Line::parse(header) {
        Ok(Line::Header(header)) if header.recording <= VERSION => {}
        Ok(Line::Header(header)) => {
            let version = header.recording;
            let what = format!("its version, {version}, is newer than this program; update it");
            return Err((first, what));
        }
        Ok(Line::Request(_) | Line::Reply(_) | Line::Fault(_)) | Err(_) => {
            return Err((first, "it begins with {\"recording\": 1}".to_owned()));
        }
    }
    let mut exchanges: VecDeque<Exchange> = VecDeque::new();
    let mut asked: Option<Asked> = None;
    for (number, line) in lines {
        let outcome = match Line::parse(line).map_err(|what| (number, what))? {
            Line::Header(_) => return Err((number, "a second beginning".to_owned())),
            Line::Request(line) => {
                asked = Some(merged(line.request, &mut exchanges));
                continue;
            }
            Line::Reply(line) => Ok(line.reply(number)),
            Line::Fault(line) => Err(line.fault()),
        };
        exchanges.push_back(Exchange { number, asked: asked.take(), outcome });
    }
    Ok(exchanges)
}

/// This request, instead of that of another model which failed just before: what was new then is
/// new now.
fn merged(mut request: Asked, exchanges: &mut VecDeque<Exchange>) -> Asked {
    let other = exchanges.pop_back_if(|last| {
        let before = last.asked.as_ref().is_some_and(|asked| asked.model != request.model);
        before && last.outcome.is_err()
    });
    if let Some(before) = other.and_then(|exchange| exchange.asked) {
        let mut messages = before.messages;
        messages.append(&mut request.messages);
        request.messages = messages;
    }
    request
}

impl Model for Replay {
    fn ask<'a>(&'a self, request: &'a Request, hear: Hear<'a>) -> Answer<'a> {
        Box::pin(async move {
            let reply = self.next(request)?;
            for part in &reply.parts {
                match part {
                    Part::Text(text) => hear(Piece::Text(text)),
                    Part::Thinking { text, .. } => hear(Piece::Thinking(text)),
                    Part::Call(_) => {}
                }
            }
            Ok(reply)
        })
    }
}
