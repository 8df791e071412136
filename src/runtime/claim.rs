//! The fence: who may run an attempt, and whether they still live.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::{Deserialize, Serialize};

use super::layout::{self, Attempt};

/// What a claim says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Owner {
    /// A supervisor; alive while it holds the lock.
    Supervisor { pid: u32, boot: String, claimed_ms: i64 },
    /// An inspector found nothing and made sure that it stays so.
    Nobody,
}

/// A claim that was read.
#[derive(Debug)]
pub(super) enum State {
    /// The supervisor lives.
    Held { pid: u32 },
    /// The supervisor is gone.
    Left { boot: String, claimed_ms: i64 },
    /// Fenced off.
    Fenced,
}

/// A claim of one's own. Dropping it says "gone".
#[derive(Debug)]
pub(super) struct Claim {
    _lock: File,
}

/// Claims an attempt; none when somebody did before.
pub(super) fn take(attempt: &Attempt, owner: &Owner) -> io::Result<Option<Claim>> {
    let temporary = attempt.dir().join(format!("claim.{}.{}", std::process::id(), nonce()));
    let mut file = layout::create(&temporary)?;
    flock(&file, FlockOperation::NonBlockingLockExclusive)?;
    let linked = file
        .write_all(&serde_json::to_vec(owner)?)
        .and_then(|()| fs::hard_link(&temporary, attempt.claim()));
    let _ = fs::remove_file(&temporary);
    match linked {
        Ok(()) => Ok(Some(Claim { _lock: file })),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(None),
        Err(error) => Err(error),
    }
}

/// Takes over the claim of a supervisor that is gone; none when it is not, or another was faster.
pub(super) fn inherit(attempt: &Attempt, owner: &Owner) -> io::Result<Option<Claim>> {
    let mut file = File::options().read(true).write(true).open(attempt.claim())?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(Errno::WOULDBLOCK) => return Ok(None),
        Err(errno) => return Err(errno.into()),
    }
    let text = serde_json::to_vec(owner)?;
    file.write_all(&text)?;
    file.set_len(text.len() as u64)?;
    Ok(Some(Claim { _lock: file }))
}

/// When a supervisor took the attempt; none when none did.
pub(super) fn claimed_ms(attempt: &Attempt) -> io::Result<Option<i64>> {
    Ok(match look(attempt)? {
        Some(State::Left { claimed_ms, .. }) => Some(claimed_ms),
        Some(State::Held { .. } | State::Fenced) | None => None,
    })
}

/// Tells apart the threads of one process.
fn nonce() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Reads a claim; none when there is none.
pub(super) fn look(attempt: &Attempt) -> io::Result<Option<State>> {
    let mut file = match File::open(attempt.claim()) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    Ok(Some(match serde_json::from_str(&text)? {
        Owner::Nobody => State::Fenced,
        Owner::Supervisor { pid, boot, claimed_ms } => {
            // A shared lock, so that inspectors do not take each other for a supervisor.
            match flock(&file, FlockOperation::NonBlockingLockShared) {
                Ok(()) => State::Left { boot, claimed_ms },
                Err(Errno::WOULDBLOCK) => State::Held { pid },
                Err(errno) => return Err(errno.into()),
            }
        }
    }))
}

/// Whether the supervisor lives.
pub(super) fn is_held(attempt: &Attempt) -> io::Result<bool> {
    Ok(matches!(look(attempt)?, Some(State::Held { .. })))
}

/// Sends a signal to the supervisor. False when it is gone.
pub(super) fn signal(attempt: &Attempt, signal: Signal) -> io::Result<bool> {
    let Some(State::Held { pid: raw }) = look(attempt)? else { return Ok(false) };
    let Some(pid) = pid(raw) else { return Ok(false) };
    let send = || -> io::Result<bool> {
        let process = pidfd_open(pid, PidfdFlags::empty())?;
        // Held after the descriptor was opened: it is the supervisor's.
        if !is_held(attempt)? {
            return Ok(false);
        }
        pidfd_send_signal(&process, signal)?;
        Ok(true)
    };
    match send() {
        // It ended meanwhile.
        Err(error) if error.raw_os_error() == Some(Errno::SRCH.raw_os_error()) => Ok(false),
        sent => sent,
    }
}

/// Blocks until the supervisor is gone.
pub(super) fn await_end(attempt: &Attempt) -> io::Result<()> {
    let file = File::open(attempt.claim())?;
    loop {
        match flock(&file, FlockOperation::LockShared) {
            Err(Errno::INTR) => {}
            locked => return locked.map_err(io::Error::from),
        }
    }
}

/// Changes with each start of the machine, after which process ids mean nothing.
pub(super) fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .map(|id| id.trim().to_owned())
        .unwrap_or_default()
}

/// A process id as the kernel's calls want it.
pub(super) fn pid(raw: u32) -> Option<Pid> {
    i32::try_from(raw).ok().and_then(Pid::from_raw)
}
