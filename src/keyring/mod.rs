//! The keyring of the system: the Secret Service of a desktop (GNOME Keyring, KWallet, KeePassXC), or
//! the Keychain of a Mac.
//!
//! It knows entries by two names and their secrets as texts, and nothing of what they mean. Nobody is
//! asked to unlock a keyring: where runs start, nobody may be there. And nothing waits for one longer
//! than its time, whatever it does.

#[cfg(target_os = "macos")]
mod keychain;
#[cfg(not(target_os = "macos"))]
mod secret_service;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak, mpsc};
use std::thread;
use std::time::{Duration, Instant};

#[cfg(target_os = "macos")]
use keychain as store;
#[cfg(not(target_os = "macos"))]
use secret_service as store;

/// Whose entries these are.
const APPLICATION: &str = "action-llama";
/// What one can do who has none that answers.
const WITHOUT: &str = "or take `keyring` out of `order` in credentials.toml";

/// What is known of the last question that a keyring did not answer in time.
static SILENCE: Mutex<Option<Silence>> = Mutex::new(None);

/// How long nobody asks again.
struct Silence {
    /// Several questions in a row would add up.
    until: Instant,
    /// As long as this is held, its thread still waits, and another would wait beside it.
    waits: Weak<()>,
}

/// What an entry is found by; neither is a secret, and neither has a slash.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    pub kind: String,
    pub instance: String,
}

/// Why a keyring does not do what it is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing to ask it over.
    #[cfg(not(target_os = "macos"))]
    NoBus(String),
    /// Nobody keeps secrets here.
    #[cfg(not(target_os = "macos"))]
    Nobody,
    Locked,
    /// It has no place for new secrets.
    NoDefault,
    /// It did not answer in this time.
    Late(Duration),
    /// It wrote an entry, and an older one of the same stays.
    #[cfg(not(target_os = "macos"))]
    Older,
    /// What it answered instead.
    Other(String),
}

impl Trouble {
    /// Whether what was to be changed may be changed all the same.
    pub fn is_unsure(&self) -> bool {
        match self {
            Self::Late(_) => true,
            #[cfg(not(target_os = "macos"))]
            Self::Older => true,
            _ => false,
        }
    }
}

/// What is wrong, and what to do.
impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            #[cfg(not(target_os = "macos"))]
            Self::NoBus(why) => write!(
                f,
                "no session bus answers ({why}): start al where a person is signed in, or in \
                 `dbus-run-session`, {WITHOUT}"
            ),
            #[cfg(not(target_os = "macos"))]
            Self::Nobody => write!(
                f,
                "nobody keeps secrets on the session bus: start gnome-keyring-daemon, KWallet or \
                 KeePassXC, {WITHOUT}"
            ),
            Self::Locked => f.write_str(
                "it is locked: unlock it (signing in to the desktop does; without one, \
                 `gnome-keyring-daemon --replace --unlock` reads its password from stdin), then try again",
            ),
            Self::NoDefault => write!(
                f,
                "it has no default collection to put secrets into: make one (in Passwords and \
                 Keys, or by `gnome-keyring-daemon --replace --unlock`, which reads its password \
                 from stdin), {WITHOUT}"
            ),
            Self::Late(limit) => write!(
                f,
                "it did not answer in {} ms: look whether it asks you something, {WITHOUT}",
                limit.as_millis()
            ),
            #[cfg(not(target_os = "macos"))]
            Self::Older => f.write_str(
                "it has the new value, but an older entry of the same cannot be removed and may be \
                 found first: remove that one, in Passwords and Keys say",
            ),
            Self::Other(why) => write!(f, "it refuses: {why}"),
        }
    }
}

impl std::error::Error for Trouble {}

/// The keyring of this person.
#[derive(Debug, Clone, Copy)]
pub struct Keyring {
    /// How long an answer may take.
    pub limit: Duration,
}

impl Keyring {
    /// Whether it answers and is open.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub fn check(self) -> Result<(), Trouble> {
        self.ask(store::check)
    }

    /// Whether there is such an entry.
    ///
    /// # Errors
    /// When it cannot be asked, also when it is locked and has one.
    pub fn has(self, entry: Entry) -> Result<bool, Trouble> {
        self.ask(move |limit| store::has(limit, &entry))
    }

    /// The secret of an entry; none when there is no such entry.
    ///
    /// # Errors
    /// As [`Self::has`].
    pub fn get(self, entry: Entry) -> Result<Option<String>, Trouble> {
        self.ask(move |limit| store::get(limit, &entry))
    }

    /// All entries, or those of one kind.
    ///
    /// # Errors
    /// As [`Self::has`].
    pub fn list(self, kind: Option<String>) -> Result<Vec<Entry>, Trouble> {
        let mut all = self.ask(move |limit| store::list(limit, kind.as_deref()))?;
        all.sort();
        all.dedup();
        Ok(all)
    }

    /// Writes an entry, in the place of one that is there.
    ///
    /// # Errors
    /// When it cannot be written. Then everything is as it was, unless it is [`Trouble::Late`]: what it
    /// does after its time is up, nobody knows.
    pub fn put(self, entry: Entry, secret: String) -> Result<(), Trouble> {
        self.ask(move |limit| store::put(limit, &entry, secret))
    }

    /// Takes an entry away; false when there is none.
    ///
    /// # Errors
    /// When it cannot be removed; after [`Trouble::Late`] it may still be.
    pub fn remove(self, entry: Entry) -> Result<bool, Trouble> {
        self.ask(move |limit| store::remove(limit, &entry))
    }

    /// Asks on a thread of its own: who asks may be part of a runtime, and a keyring may never answer.
    fn ask<T: Send + 'static>(
        self,
        question: impl FnOnce(Duration) -> Result<T, Trouble> + Send + 'static,
    ) -> Result<T, Trouble> {
        let limit = self.limit;
        if is_silent() {
            return Err(Trouble::Late(limit));
        }
        let (tell, told) = mpsc::sync_channel(1);
        let held = Arc::new(());
        let waits = Arc::downgrade(&held);
        thread::Builder::new()
            .name("keyring".to_owned())
            .spawn(move || {
                // Who waited is gone when the answer came too late.
                let _ = tell.send(question(limit));
                drop(held);
            })
            .map_err(|error| Trouble::Other(format!("no thread to ask it on: {error}")))?;
        let answer = told.recv_timeout(limit).unwrap_or(Err(Trouble::Late(limit)));
        if matches!(answer, Err(Trouble::Late(_))) {
            let now = Instant::now();
            let until = now.checked_add(limit).unwrap_or(now);
            *SILENCE.lock().unwrap_or_else(PoisonError::into_inner) =
                Some(Silence { until, waits });
        }
        answer
    }
}

fn is_silent() -> bool {
    let silence = SILENCE.lock().unwrap_or_else(PoisonError::into_inner);
    silence
        .as_ref()
        .is_some_and(|last| Instant::now() < last.until || last.waits.strong_count() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keyring_that_never_answers_has_one_thread_waiting_and_is_asked_again_when_that_is_gone() {
        let of_silence = |change: &dyn Fn(&mut Silence)| {
            change(SILENCE.lock().unwrap().as_mut().unwrap());
        };
        let keyring = Keyring { limit: Duration::from_millis(50) };
        let late = Err(Trouble::Late(keyring.limit));
        let ask = || keyring.ask(|_| Ok(()));
        let (end, never) = mpsc::channel::<()>();
        let trouble = keyring.ask(move |_| never.recv().map_err(|_| Trouble::Locked)).unwrap_err();
        assert!(trouble.to_string().starts_with("it did not answer in 50 ms: "), "{trouble}");
        // However long ago that is, its thread still waits.
        of_silence(&|last| last.until = Instant::now());
        assert_eq!(ask(), late);
        let waits = SILENCE.lock().unwrap().as_ref().unwrap().waits.clone();
        drop(end);
        while waits.strong_count() > 0 {
            thread::yield_now();
        }
        // As it was late a moment ago, this is said without waiting.
        of_silence(&|last| last.until += Duration::from_secs(600));
        assert_eq!(ask(), late);
        of_silence(&|last| last.until = Instant::now());
        let patient = Keyring { limit: Duration::from_secs(600) };
        assert_eq!(patient.ask(|_| Ok(7)), Ok(7));
        *SILENCE.lock().unwrap() = None;
    }
}
