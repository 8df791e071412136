//! Time, randomness and environment, each read in this one place.
//!
//! Everything else receives them as values, so that a decision can be replayed and a test can
//! choose them.

#![allow(clippy::disallowed_methods)]

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds since the Unix epoch.
pub type Millis = i64;

/// The wall clock, now.
pub fn now_ms() -> Millis {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis() as Millis)
}

/// A new id that sorts by the time it was made.
pub fn new_uuid() -> String {
    uuid::Uuid::now_v7().to_string()
}

/// Bytes nobody can guess.
///
/// # Errors
/// When the operating system has none to give.
pub fn random<const N: usize>() -> std::io::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(std::io::Error::other)?;
    Ok(bytes)
}

/// An environment variable of this process, when set and not empty.
pub fn env(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|v| !v.is_empty())
}

/// Like [`env()`], for values that need not be text.
pub fn env_os(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|v| !v.is_empty())
}

/// The value of a variable that means something also when it is empty, such as `PAGER`.
pub fn env_or_empty(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// CPUs that this process may use.
pub fn cpus() -> f64 {
    std::thread::available_parallelism().map_or(1.0, |n| n.get() as f64)
}

/// Memory of this machine; none when the kernel does not say.
pub fn memory_bytes() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kilobytes: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    kilobytes.checked_mul(1024)
}

/// All environment variables that are text.
pub fn variables() -> Vec<(String, String)> {
    let text = |(name, value): (OsString, OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    std::env::vars_os().filter_map(text).collect()
}

/// The person's home directory.
pub fn home() -> Option<PathBuf> {
    env_os("HOME").map(PathBuf::from)
}

/// Where credentials and environments are kept: `$AL_HOME`, else `~/.action-llama`.
pub fn al_home() -> PathBuf {
    env_os("AL_HOME")
        .map(PathBuf::from)
        .unwrap_or_else(|| home().unwrap_or_else(|| PathBuf::from("/")).join(".action-llama"))
}

/// Name of the host's time zone, when it can be told.
pub fn zone() -> Option<String> {
    iana_time_zone::get_timezone().ok()
}

/// Name of the host's time zone, `UTC` when it cannot be told.
pub fn host_zone() -> String {
    zone().unwrap_or_else(|| "UTC".to_owned())
}

/// Who runs this process, for "paused by".
pub fn user() -> String {
    env("USER").or_else(|| env("LOGNAME")).unwrap_or_else(|| "operator".to_owned())
}
