//! Why a skill could not be had.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// What went wrong. Texts of others in it may say anything: whoever shows them makes them safe.
#[derive(Debug)]
pub enum SkillError {
    /// What was given is no place to fetch from.
    Origin {
        why: String,
        hint: &'static str,
    },
    /// There is no `git` on this machine.
    NoGit,
    /// Git could not fetch; the last thing it said.
    Fetch {
        from: String,
        said: String,
    },
    /// It took longer than this many seconds.
    TooSlow {
        from: String,
        seconds: u64,
    },
    /// It has more than this many bytes.
    TooLarge {
        from: String,
        bytes: u64,
    },
    /// A person ended it.
    Interrupted,
    /// There are things in the skill that are not taken from anybody: each with its reason.
    Refused {
        skill: String,
        why: Vec<String>,
    },
    /// The repository has no such thing.
    Missing(String),
    /// What a program says that should never be wrong is.
    Garbled(String),
    Io {
        path: PathBuf,
        error: io::Error,
    },
}

impl fmt::Display for SkillError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Origin { why, .. } => f.write_str(why),
            Self::NoGit => f.write_str("`git` is not installed, and skills are fetched with it"),
            Self::Fetch { from, said } => write!(f, "{from} cannot be fetched: {said}"),
            Self::TooSlow { from, seconds } => {
                write!(f, "{from} could not be fetched in {seconds} s")
            }
            Self::TooLarge { from, bytes } => {
                write!(f, "{from} has more than the {} that are fetched", size(*bytes))
            }
            Self::Interrupted => f.write_str("interrupted: nothing was changed"),
            Self::Refused { skill, why } => {
                let named = if skill.is_empty() { "this skill" } else { skill };
                write!(f, "{named} is refused: {}", why.join("; "))
            }
            Self::Missing(what) | Self::Garbled(what) => f.write_str(what),
            Self::Io { path, error } => write!(f, "{}: {error}", path.display()),
        }
    }
}

impl std::error::Error for SkillError {}

impl SkillError {
    pub fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |error| Self::Io { path, error }
    }
}

/// A number of bytes for a sentence.
pub fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} bytes"),
        1024..1_048_576 => format!("{} KB", bytes >> 10),
        _ => format!("{} MB", bytes >> 20),
    }
}
