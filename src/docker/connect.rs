//! Finding the engine, and saying what is wrong when it does not answer.

use std::fmt;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use bollard::{API_DEFAULT_VERSION, Docker};

/// Seconds an answer may take that is no stream.
const ANSWER_S: u64 = 120;
/// Where the engine of the machine listens.
const SYSTEM: &str = "/var/run/docker.sock";

/// Why there is no engine. Each says what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// Nobody has a socket there.
    Missing { looked: Vec<PathBuf> },
    /// There is a socket, and nobody behind it.
    Down { socket: PathBuf },
    /// This user may not use it.
    Forbidden { socket: PathBuf, group: u32 },
    /// `DOCKER_HOST` names another machine.
    Elsewhere { host: String },
    /// It was there and gave no answer that makes sense.
    Broken { socket: PathBuf, message: String },
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { looked } => {
                let looked: Vec<String> = looked.iter().map(|p| p.display().to_string()).collect();
                write!(f, "no container engine: there is no socket at {}", looked.join(" or "))
            }
            Self::Down { socket } => {
                write!(
                    f,
                    "the container engine does not run: nobody answers at {}",
                    socket.display()
                )
            }
            Self::Forbidden { socket, .. } => {
                write!(
                    f,
                    "the container engine may not be used: no permission for {}",
                    socket.display()
                )
            }
            Self::Elsewhere { host } => write!(
                f,
                "DOCKER_HOST is {host}: only an engine on this machine can be used, through its unix \
                 socket, as runs on another machine could not reach this scheduler"
            ),
            Self::Broken { socket, message } => {
                write!(f, "the container engine at {} does not work: {message}", socket.display())
            }
        }
    }
}

impl Trouble {
    /// What is wrong and what a person does about it, in one sentence.
    pub fn advice(&self) -> String {
        format!("{self}: {}", self.hint())
    }

    /// What a person does about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Missing { .. } => {
                "install one (Debian: apt-get install docker.io), or set DOCKER_HOST, or run the agent \
                 with [runtime] type = \"process\""
                    .to_owned()
            }
            Self::Down { .. } => "start it: systemctl start docker".to_owned(),
            Self::Forbidden { group, .. } => format!(
                "join its group (id {group}) and log in again: usermod -aG docker \"$USER\""
            ),
            Self::Elsewhere { .. } => {
                "unset DOCKER_HOST and use an engine on this machine, or run al on that one".to_owned()
            }
            Self::Broken { .. } => "look at its log: journalctl -u docker".to_owned(),
        }
    }
}

/// Connects to the engine: that of `DOCKER_HOST`, else the first of the machine's, the user's own
/// (rootless Docker) and Podman's that has a socket. `env` looks up variables.
///
/// # Errors
/// [`Trouble`], which is also what a person sees.
pub fn connect(env: &dyn Fn(&str) -> Option<String>) -> Result<Docker, Trouble> {
    let socket = socket(env)?;
    reach(&socket)?;
    let path = socket.to_string_lossy();
    Docker::connect_with_unix(&path, ANSWER_S, API_DEFAULT_VERSION)
        .map_err(|error| Trouble::Broken { socket, message: error.to_string() })
}

/// The socket that `connect` would use.
///
/// # Errors
/// When there is none on this machine.
pub fn socket(env: &dyn Fn(&str) -> Option<String>) -> Result<PathBuf, Trouble> {
    if let Some(host) = env("DOCKER_HOST").filter(|host| !host.is_empty()) {
        return match host.strip_prefix("unix://") {
            Some(path) => Ok(PathBuf::from(path)),
            None => Err(Trouble::Elsewhere { host: without_secrets(&host) }),
        };
    }
    let mut looked = vec![PathBuf::from(SYSTEM)];
    if let Some(own) = env("XDG_RUNTIME_DIR").filter(|dir| !dir.is_empty()) {
        looked.push(Path::new(&own).join("docker.sock"));
        looked.push(Path::new(&own).join("podman/podman.sock"));
    }
    looked.push(PathBuf::from("/run/podman/podman.sock"));
    match looked.iter().find(|path| path.exists()) {
        Some(found) => Ok(found.clone()),
        None => Err(Trouble::Missing { looked }),
    }
}

/// `tcp://user:password@host` without what nobody should read.
fn without_secrets(host: &str) -> String {
    match (host.split_once("://"), host.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, rest))) => format!("{scheme}://{rest}"),
        _ => host.to_owned(),
    }
}

/// Opens the socket once, to tell apart why it cannot be.
fn reach(socket: &Path) -> Result<(), Trouble> {
    let socket = socket.to_owned();
    match UnixStream::connect(&socket) {
        Ok(_) => Ok(()),
        Err(error) => Err(match error.kind() {
            ErrorKind::NotFound => Trouble::Missing { looked: vec![socket] },
            ErrorKind::PermissionDenied => {
                let group = socket.metadata().map_or(0, |meta| meta.gid());
                Trouble::Forbidden { socket, group }
            }
            ErrorKind::ConnectionRefused => Trouble::Down { socket },
            _ => Trouble::Broken { socket, message: error.to_string() },
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn what_docker_host_says_counts_and_other_machines_are_refused() {
        let with = |host: &'static str| {
            socket(&move |name| (name == "DOCKER_HOST").then(|| host.to_owned()))
        };
        assert_eq!(with("unix:///run/x.sock"), Ok("/run/x.sock".into()));
        for (host, shown) in [
            ("ssh://me@far", "ssh://far"),
            ("tcp://10.0.0.1:2375", "tcp://10.0.0.1:2375"),
            ("tcp://me:secret@far:2376", "tcp://far:2376"),
        ] {
            let trouble = with(host).unwrap_err();
            assert_eq!(trouble, Trouble::Elsewhere { host: shown.to_owned() });
            assert!(trouble.to_string().contains("on this machine"));
        }
    }

    #[test]
    fn the_users_own_engine_is_found_too() {
        if Path::new(SYSTEM).exists() {
            return; // it comes first
        }
        let dir = tempfile::tempdir().unwrap();
        let own = dir.path().to_str().unwrap().to_owned();
        let env = move |name: &str| (name == "XDG_RUNTIME_DIR").then(|| own.clone());
        assert!(matches!(socket(&env), Err(Trouble::Missing { looked }) if looked.len() == 4));
        let podman = dir.path().join("podman");
        std::fs::create_dir(&podman).unwrap();
        std::fs::write(podman.join("podman.sock"), "").unwrap();
        assert_eq!(socket(&env), Ok(podman.join("podman.sock")));
    }

    #[test]
    fn a_socket_without_an_engine_is_told_from_none() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s");
        assert!(matches!(reach(&path), Err(Trouble::Missing { .. })));
        drop(UnixListener::bind(&path).unwrap());
        assert_eq!(reach(&path), Err(Trouble::Down { socket: path.clone() }));
        let _engine = UnixListener::bind(dir.path().join("t")).unwrap();
        assert_eq!(reach(&dir.path().join("t")), Ok(()));
    }
}
