//! How much of somebody else's repository is taken.

use std::time::Duration;

/// What a repository, and a skill in it, may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Time for one fetch.
    pub time: Duration,
    /// Bytes on disk while fetching.
    pub fetched_bytes: u64,
    /// Files and folders of one skill.
    pub items: usize,
    /// Skills of a repository that are looked at.
    pub skills: usize,
    /// Bytes of `SKILL.md` and `config.toml`.
    pub text_bytes: u64,
    /// Bytes of any other file.
    pub file_bytes: u64,
    /// Bytes of all files of one skill.
    pub skill_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            time: Duration::from_secs(300),
            fetched_bytes: 256 << 20,
            items: 1000,
            skills: 500,
            // More would be refused when the project is read.
            text_bytes: 1 << 20,
            file_bytes: 8 << 20,
            skill_bytes: 32 << 20,
        }
    }
}
