//! Credentials that a program of this person hands out: `pass`, `op` and their like.
//!
//! The program is started without a shell, gets nothing on stdin, and has a time and a size that it
//! must not exceed. What it prints is a secret, and what it complains about may be one: neither gets
//! into a message.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{ErrorKind, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdout, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process_group};

use super::{CredentialError, MAX_BYTES, Reference, Secret, Source, check_part, tidy};

/// What messages call it.
pub const NAME: &str = "command";
/// The most that a list may be, in bytes.
const LIST_MOST: u64 = 1024 * 1024;
/// Between two looks at a program that has closed its output and not ended yet.
const BEAT: Duration = Duration::from_millis(5);

/// How to ask it.
pub struct Command {
    pub read: Vec<String>,
    pub list: Option<Vec<String>>,
    /// Exit codes that say that there is no such field.
    pub missing: Vec<i32>,
    pub limit: Duration,
    /// What its list had; who asks several things at once asks for it once.
    pub listed: OnceCell<Vec<(Reference, String)>>,
}

impl Command {
    /// A field; none when the program says that there is no such thing.
    fn ask(&self, reference: &Reference, field: &str) -> Result<Option<Secret>, CredentialError> {
        let fill = |word: &String| {
            word.replace("{type}", &reference.kind)
                .replace("{instance}", &reference.instance)
                .replace("{field}", field)
        };
        let words: Vec<String> = self.read.iter().map(fill).collect();
        let (code, bytes) = self.run(&words, MAX_BYTES)?;
        match code {
            0 => {}
            code if self.missing.contains(&code) => return Ok(None),
            code => return Err(self.failed(&format!("it ended with {code} for {reference}"))),
        }
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Some(tidy(&text)).filter(|value| !value.reveal().is_empty())),
            Err(_) => {
                Err(self.failed(&format!("what it prints for {reference} is not UTF-8 text")))
            }
        }
    }

    fn failed(&self, why: &str) -> CredentialError {
        let program = self.read.first().map_or("", String::as_str);
        CredentialError::Source { name: format!("{NAME} {program}"), message: why.to_owned() }
    }

    /// Exit code and output; a program that a signal ended has the code of a shell.
    fn run(&self, words: &[String], most: u64) -> Result<(i32, Vec<u8>), CredentialError> {
        let deadline = Instant::now() + self.limit;
        let program = words.first().map_or("", String::as_str);
        let mut child = std::process::Command::new(program)
            .args(words.get(1..).unwrap_or_default())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // What it starts ends with it.
            .process_group(0)
            .spawn()
            .map_err(|error| match error.kind() {
                ErrorKind::NotFound => self.failed("there is no such program"),
                _ => self.failed(&format!("it cannot be started: {error}")),
            })?;
        let said = child.stdout.take().map(|out| self.listen(out, most, deadline));
        let heard = said.unwrap_or_else(|| Ok(Vec::new()));
        let ended = heard.and_then(|bytes| Ok((self.end(&mut child, deadline)?, bytes)));
        if ended.is_err() {
            put_away(&mut child);
        }
        ended
    }

    fn listen(
        &self,
        mut out: ChildStdout,
        most: u64,
        deadline: Instant,
    ) -> Result<Vec<u8>, CredentialError> {
        let (mut bytes, mut block) = (Vec::new(), [0; 8192]);
        loop {
            let Some(left) = deadline.checked_duration_since(Instant::now()) else {
                return Err(self.late());
            };
            let mut ready = [PollFd::new(&out, PollFlags::IN)];
            match poll(&mut ready, Some(&timespec(left))) {
                Ok(0) => return Err(self.late()),
                Ok(_) => {}
                Err(rustix::io::Errno::INTR) => continue,
                Err(error) => return Err(self.failed(&format!("its output is lost: {error}"))),
            }
            match out.read(&mut block) {
                Ok(0) => return Ok(bytes),
                Ok(n) => bytes.extend_from_slice(&block[..n]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(self.failed(&format!("its output is lost: {error}"))),
            }
            if bytes.len() as u64 > most {
                return Err(self.failed("it prints more than a credential can be"));
            }
        }
    }

    fn end(&self, child: &mut Child, deadline: Instant) -> Result<i32, CredentialError> {
        use std::os::unix::process::ExitStatusExt;
        loop {
            match child.try_wait() {
                Ok(Some(status)) => {
                    let by_signal = || 128 + status.signal().unwrap_or_default();
                    return Ok(status.code().unwrap_or_else(by_signal));
                }
                Ok(None) if Instant::now() >= deadline => return Err(self.late()),
                // Nothing is ready, ever: it waits.
                Ok(None) => drop(poll(&mut [], Some(&timespec(BEAT)))),
                Err(error) => return Err(self.failed(&format!("its end was not seen: {error}"))),
            }
        }
    }

    fn late(&self) -> CredentialError {
        self.failed(&format!("it took longer than {} ms", self.limit.as_millis()))
    }
}

fn timespec(of: Duration) -> Timespec {
    Timespec {
        tv_sec: of.as_secs().try_into().unwrap_or(i64::MAX),
        tv_nsec: of.subsec_nanos().into(),
    }
}

fn put_away(child: &mut Child) {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    // It may be gone by itself.
    let _ = pid.map(|pid| kill_process_group(pid, Signal::KILL));
    let _ = child.kill();
    let _ = child.wait();
}

impl Source for Command {
    fn name(&self) -> &str {
        NAME
    }

    /// Asked for by the fields of its type, or looked up in the list.
    fn has(&self, reference: &Reference, known: &[&str]) -> Result<bool, CredentialError> {
        if self.list.is_some() {
            return Ok(self.list(Some(&reference.kind))?.contains(reference));
        }
        for name in known {
            if self.ask(reference, name)?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn field(&self, reference: &Reference, name: &str) -> Result<Option<Secret>, CredentialError> {
        self.ask(reference, name)
    }

    fn fields(
        &self,
        reference: &Reference,
        known: &[&str],
    ) -> Result<BTreeMap<String, Secret>, CredentialError> {
        let mut names: BTreeSet<String> = known.iter().map(|name| (*name).to_owned()).collect();
        if let Some(listed) = self.listed()? {
            let of_it = listed.iter().filter(|(of, _)| of == reference);
            names = of_it.map(|(_, field)| field.clone()).collect();
        }
        let mut found = BTreeMap::new();
        for name in names {
            if let Some(value) = self.ask(reference, &name)? {
                found.insert(name, value);
            }
        }
        Ok(found)
    }

    fn found(
        &self,
        reference: &Reference,
        known: &[&str],
    ) -> Result<Option<BTreeMap<String, Secret>>, CredentialError> {
        Ok(Some(self.fields(reference, known)?).filter(|fields| !fields.is_empty()))
    }

    fn found_field(
        &self,
        reference: &Reference,
        name: &str,
    ) -> Result<Option<Option<Secret>>, CredentialError> {
        if let Some(listed) = self.listed()? {
            return match listed.iter().any(|(of, _)| of == reference) {
                true => self.ask(reference, name).map(Some),
                false => Ok(None),
            };
        }
        Ok(self.ask(reference, name)?.map(Some))
    }

    fn list(&self, kind: Option<&str>) -> Result<Vec<Reference>, CredentialError> {
        let lines = self.listed()?.unwrap_or_default().iter().map(|(reference, _)| reference);
        let mut all: Vec<Reference> =
            lines.filter(|of| kind.is_none_or(|kind| of.kind == kind)).cloned().collect();
        all.sort();
        all.dedup();
        Ok(all)
    }
}

impl Command {
    /// What the list has; none when there is none to ask for.
    fn listed(&self) -> Result<Option<&[(Reference, String)]>, CredentialError> {
        let Some(words) = &self.list else { return Ok(None) };
        if let Some(known) = self.listed.get() {
            return Ok(Some(known));
        }
        let lines = self.lines(words)?;
        Ok(Some(self.listed.get_or_init(|| lines)))
    }

    /// What the list has, as far as it can name a credential.
    fn lines(&self, words: &[String]) -> Result<Vec<(Reference, String)>, CredentialError> {
        let (code, bytes) = self.run(words, LIST_MOST)?;
        if code != 0 {
            return Err(self.failed(&format!("its list ended with {code}")));
        }
        let text = String::from_utf8_lossy(&bytes);
        let line = |line: &str| {
            let mut parts = line.trim().rsplitn(3, '/');
            let (field, instance, kind) = (parts.next()?, parts.next()?, parts.next()?);
            // A prefix of the person's own may stand before the type.
            let kind = kind.rsplit('/').next()?;
            let sound = [kind, instance, field].into_iter().all(|part| check_part(part).is_ok());
            let (kind, instance) = (kind.to_owned(), instance.to_owned());
            sound.then(|| (Reference { kind, instance }, field.to_owned()))
        };
        Ok(text.lines().filter_map(line).collect())
    }
}
