//! Is a scheduler running on this project, and where does it listen?

use std::fs;
use std::path::Path;
use std::time::UNIX_EPOCH;

use serde::Deserialize;

use crate::ambient::Millis;
use crate::store::Lock;

/// What a scheduler leaves in `.al` once its gateway listens.
pub const FILE: &str = "gateway.json";

/// A scheduler that owns the project now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Running {
    pub pid: Option<u32>,
    /// Base URL of its gateway; none while it does not listen.
    pub url: Option<String>,
    /// The environment that it was started in.
    pub environment: Option<String>,
    /// When the gateway began to listen.
    pub since_ms: Option<Millis>,
}

#[derive(Deserialize)]
struct Written {
    url: String,
    pid: u32,
    #[serde(default)]
    environment: Option<String>,
}

/// The scheduler that holds the project's lock. A file that a dead one left behind counts for
/// nothing.
pub fn running(state_dir: &Path) -> Option<Running> {
    let owner = Lock::owner(state_dir)?;
    let path = state_dir.join(FILE);
    let written = fs::read_to_string(&path)
        .ok()
        .and_then(|text| serde_json::from_str::<Written>(&text).ok())
        .filter(|written| owner.pid.is_none_or(|pid| pid == written.pid));
    let since = written.as_ref().and_then(|_| fs::metadata(&path).ok()?.modified().ok());
    let since = since.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let (url, environment) = written.map(|written| (written.url, written.environment)).unzip();
    Some(Running {
        pid: owner.pid,
        url: url.map(|url| url.trim_end_matches('/').to_owned()),
        environment: environment.flatten(),
        since_ms: since.and_then(|age| Millis::try_from(age.as_millis()).ok()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_owner_of_the_lock_is_running() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join(FILE);
        fs::write(&file, r#"{"url":"http://127.0.0.1:9/","pid":7}"#).unwrap();
        assert_eq!(running(dir.path()), None);

        let _lock = Lock::take(dir.path(), 7).unwrap().unwrap();
        let found = running(dir.path()).unwrap();
        assert_eq!((found.pid, found.url.as_deref()), (Some(7), Some("http://127.0.0.1:9")));

        fs::write(&file, r#"{"url":"http://127.0.0.1:9","pid":6}"#).unwrap();
        let other = Running { pid: Some(7), url: None, environment: None, since_ms: None };
        assert_eq!(running(dir.path()), Some(other));
    }
}
