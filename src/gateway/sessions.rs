//! Sessions of browsers: opened with the API key, and no part of it.

use std::collections::HashMap;
use std::io;
use std::sync::{Mutex, PoisonError};

use super::digest::Digest;
use super::key::Epoch;
use crate::ambient::{self, Millis};

/// A session ends when nobody used it for so long.
const IDLE_MS: Millis = 24 * 3_600_000;
/// And after so long in any case.
pub const LONGEST_MS: Millis = 30 * 24 * 3_600_000;
/// Sessions at a time; beyond it the one that was not used for longest ends.
const OPEN_MAX: usize = 256;

/// The open sessions, by the digests of their ids. They end with the process.
#[derive(Debug)]
pub struct Sessions(Mutex<Inner>);

#[derive(Debug)]
struct Inner {
    open: HashMap<Digest, Session>,
    /// The key that they were opened with.
    epoch: Epoch,
    /// How often all were ended by somebody.
    revoked: u64,
}

#[derive(Debug)]
struct Session {
    by: String,
    opened: Millis,
    used: Millis,
}

impl Session {
    fn is_over(&self, now: Millis) -> bool {
        now - self.used >= IDLE_MS || now - self.opened >= LONGEST_MS
    }
}

impl Sessions {
    pub fn new(epoch: Epoch) -> Self {
        Self(Mutex::new(Inner { open: HashMap::new(), epoch, revoked: 0 }))
    }

    /// A new session of somebody who has shown the key of `epoch`; what comes back is its id, which
    /// is nowhere else. None when the key was replaced meanwhile.
    ///
    /// # Errors
    /// When there are no random numbers.
    pub fn open(&self, by: &str, epoch: Epoch, now: Millis) -> io::Result<Option<String>> {
        let id = hex::encode(ambient::random::<32>()?);
        let mut inner = self.lock();
        if inner.epoch != epoch {
            return Ok(None);
        }
        inner.open.retain(|_, session| !session.is_over(now));
        if inner.open.len() >= OPEN_MAX
            && let Some(oldest) = inner.open.iter().min_by_key(|(_, s)| s.used).map(|(id, _)| *id)
        {
            inner.open.remove(&oldest);
        }
        let session = Session { by: by.to_owned(), opened: now, used: now };
        inner.open.insert(Digest::of(&id), session);
        Ok(Some(id))
    }

    /// Who opened the session of this id; it counts as used.
    pub fn find(&self, id: &str, now: Millis) -> Option<String> {
        let mut inner = self.lock();
        let digest = Digest::of(id);
        let session = inner.open.get_mut(&digest)?;
        if session.is_over(now) {
            inner.open.remove(&digest);
            return None;
        }
        session.used = session.used.max(now);
        Some(session.by.clone())
    }

    /// Whether this one goes on; that is no use of it.
    pub fn is_open(&self, digest: &Digest, now: Millis) -> bool {
        let inner = self.lock();
        inner.open.get(digest).is_some_and(|session| now - session.opened < LONGEST_MS)
    }

    /// Ends one; who it was.
    pub fn close(&self, id: &str) -> Option<String> {
        self.lock().open.remove(&Digest::of(id)).map(|session| session.by)
    }

    /// Ends all of them; how many there were.
    pub fn revoke(&self) -> usize {
        let mut inner = self.lock();
        inner.revoked += 1;
        std::mem::take(&mut inner.open).len()
    }

    /// How often that was done: what was let in before it ends too.
    pub fn revoked(&self) -> u64 {
        self.lock().revoked
    }

    /// Ends those of another key than the one that counts now; how many there were, when it is
    /// another.
    pub fn follow(&self, epoch: Epoch) -> Option<usize> {
        let mut inner = self.lock();
        if inner.epoch == epoch {
            return None;
        }
        inner.epoch = epoch;
        Some(std::mem::take(&mut inner.open).len())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Millis = 3_600_000;

    fn sessions() -> Sessions {
        Sessions::new(Epoch::default())
    }

    fn open(sessions: &Sessions, now: Millis) -> String {
        sessions.open("ana", Epoch::default(), now).unwrap().unwrap()
    }

    #[test]
    fn an_id_is_64_digits_that_nobody_keeps() {
        let sessions = sessions();
        let (one, other) = (open(&sessions, 0), open(&sessions, 0));
        assert_ne!(one, other);
        assert!(one.len() == 64 && one.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')));
        assert!(!format!("{sessions:?}").contains(&one));
        assert_eq!(sessions.find(&one, 1), Some("ana".to_owned()));
        assert_eq!(sessions.find(&one.to_uppercase(), 1), None);
    }

    #[test]
    fn a_session_ends_a_day_after_its_last_use() {
        let sessions = sessions();
        let id = open(&sessions, 0);
        assert!(sessions.find(&id, 23 * HOUR).is_some());
        assert!(sessions.find(&id, 46 * HOUR).is_some(), "it slides");
        assert!(sessions.find(&id, 70 * HOUR).is_none());
        assert!(sessions.find(&id, 47 * HOUR).is_none(), "it does not come back");
    }

    #[test]
    fn a_session_ends_after_thirty_days_however_much_it_is_used() {
        let sessions = sessions();
        let id = open(&sessions, 0);
        assert!((1..720).all(|hour| sessions.find(&id, hour * HOUR).is_some()));
        assert!(sessions.find(&id, 720 * HOUR).is_none());
    }

    #[test]
    fn what_a_session_has_opened_sees_its_end() {
        let sessions = sessions();
        let (one, other) = (open(&sessions, 0), open(&sessions, 0));
        let is_open = |id: &str, now| sessions.is_open(&Digest::of(id), now);
        assert!(is_open(&one, 719 * HOUR), "whoever listens for long does nothing with it");
        assert!(!is_open(&one, 720 * HOUR));
        sessions.close(&one);
        assert!(!is_open(&one, 1) && is_open(&other, 1));
    }

    #[test]
    fn with_too_many_the_one_least_used_ends() {
        let sessions = sessions();
        let first = open(&sessions, 0);
        let ids: Vec<String> = (1..=OPEN_MAX as i64).map(|at| open(&sessions, at)).collect();
        assert_eq!(sessions.find(&first, 1000), None);
        assert!(ids.iter().all(|id| sessions.find(id, 1000).is_some()));
    }

    #[test]
    fn another_key_ends_what_the_old_one_opened() {
        let home = tempfile::tempdir().unwrap();
        let key = super::super::ApiKey::new(home.path());
        let sessions = sessions();
        let id = open(&sessions, 0);
        assert_eq!(sessions.follow(key.now().0), None);
        crate::project::credentials::ensure_gateway_key(home.path()).unwrap();
        let epoch = key.now().0;
        assert_eq!(sessions.follow(epoch), Some(1));
        assert_eq!(sessions.find(&id, 1), None);
        let late = sessions.open("ana", Epoch::default(), 1).unwrap();
        assert_eq!(late, None, "who showed the old key comes too late");
        assert!(sessions.open("ana", epoch, 1).unwrap().is_some());
        assert_eq!((sessions.revoke(), sessions.revoke()), (1, 0));
    }
}
