//! Making a recording.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use serde_json::{Map, Value};

use super::Memory;
use super::line::{Asked, Line, RequestLine};
use crate::llm::{Answer, Fault, FaultKind, Hear, Message, Model, Reply, Request};

/// Takes secrets out of a text.
pub type Clean = Arc<dyn Fn(&str) -> String + Send + Sync>;

/// A recording that is being made, by all models of a run together.
#[derive(Clone)]
pub struct Recording(Arc<Mutex<Tape>>);

struct Tape {
    file: File,
    clean: Clean,
    memory: Memory,
    system: String,
    problem: Option<io::ErrorKind>,
}

impl Recording {
    /// Begins a recording in a new file that only its owner can read. Everything goes through
    /// `clean` on its way there.
    ///
    /// # Errors
    /// [`FaultKind::Setup`] when there is such a file already, or it cannot be written.
    pub fn create(path: &Path, clean: Clean) -> Result<Self, Fault> {
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        let failed = |error: io::Error| {
            let message = format!("cannot record to {}: {error}", path.display());
            Fault::new(FaultKind::Setup, message)
        };
        let file = made.map_err(failed)?;
        let memory = Memory::default();
        let mut tape = Tape { file, clean, memory, system: String::new(), problem: None };
        tape.write(&Line::header()).map_err(failed)?;
        Ok(Self(Arc::new(Mutex::new(tape))))
    }

    /// The same model, with its traffic recorded under this name.
    pub fn of(&self, name: &str, model: Box<dyn Model>) -> Box<dyn Model> {
        Box::new(Recorder { name: name.to_owned(), model, recording: self.clone() })
    }

    /// Why the recording is not complete, when it is not. A run goes on without.
    pub fn problem(&self) -> Option<io::ErrorKind> {
        self.tape().problem
    }

    fn tape(&self) -> MutexGuard<'_, Tape> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tape {
    fn asked(&mut self, model: &str, request: &Request) {
        let kept = self.memory.kept(&request.messages);
        let system = (self.system != request.system).then(|| request.system.clone());
        self.system.clone_from(&request.system);
        self.keep(&Line::Request(RequestLine {
            request: Asked {
                model: model.to_owned(),
                system,
                tools: request.tools.iter().map(|tool| tool.name.to_owned()).collect(),
                kept,
                messages: request.messages[kept..].to_vec(),
            },
        }));
    }

    fn keep(&mut self, line: &Line) {
        // Half a recording is broken in one place, not in many.
        if self.problem.is_none() {
            self.problem = self.write(line).err().map(|error| error.kind());
        }
    }

    fn write(&mut self, line: &Line) -> io::Result<()> {
        let line = cleaned(serde_json::to_value(line)?, &self.clean);
        self.file.write_all(format!("{line}\n").as_bytes())
    }
}

/// Every text in it, cleaned one by one: a secret with quotes or newlines looks different in JSON.
fn cleaned(value: Value, clean: &Clean) -> Value {
    match value {
        Value::String(text) => Value::String(clean(&text)),
        Value::Array(values) => values.into_iter().map(|value| cleaned(value, clean)).collect(),
        Value::Object(map) => Value::Object(
            map.into_iter()
                .map(|(key, value)| (clean(&key), cleaned(value, clean)))
                .collect::<Map<_, _>>(),
        ),
        value @ (Value::Null | Value::Bool(_) | Value::Number(_)) => value,
    }
}

struct Recorder {
    name: String,
    model: Box<dyn Model>,
    recording: Recording,
}

impl Model for Recorder {
    fn ask<'a>(&'a self, request: &'a Request, hear: Hear<'a>) -> Answer<'a> {
        Box::pin(async move {
            self.recording.tape().asked(&self.name, request);
            let began = Instant::now();
            let answer: Result<Reply, Fault> = self.model.ask(request, hear).await;
            let duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
            self.recording.tape().keep(&match &answer {
                Ok(reply) => Line::reply(reply, duration_ms),
                Err(fault) => Line::fault(fault, duration_ms),
            });
            answer
        })
    }
}

/// What a message is, without what it says.
pub(super) fn shape(message: &Message) -> String {
    match message {
        Message::User(_) => "a message".to_owned(),
        Message::Assistant(_) => "a reply".to_owned(),
        Message::Results(results) => {
            let tools: Vec<&str> = results.iter().map(|result| result.tool.as_str()).collect();
            format!("results of {}", tools.join(", "))
        }
    }
}
