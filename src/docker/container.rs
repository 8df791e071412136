//! One container from its making to its removal: what is asked of the engine, and nothing decided.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use bollard::Docker;
use bollard::container::{AttachContainerResults, LogOutput};
use bollard::errors::Error;
use bollard::models::{
    ContainerCreateBody, DeviceRequest, HostConfig, HostConfigLogConfig, Mount, MountBindOptions,
    MountType, RestartPolicy, RestartPolicyNameEnum,
};
use bollard::query_parameters::{
    AttachContainerOptionsBuilder, CreateContainerOptionsBuilder, InspectContainerOptions,
    KillContainerOptionsBuilder, LogsOptionsBuilder, RemoveContainerOptionsBuilder,
    StartContainerOptions, WaitContainerOptions,
};
use futures_util::StreamExt as _;
use tokio::io::AsyncWriteExt as _;

use crate::project::model as project;

/// Who an agent is in a container.
const USER: &str = "1000:1000";
/// Output that the engine keeps before older output goes: far more than a reader lags behind.
const LOG_FILE: &str = "64m";
const LOG_FILES: &str = "4";
/// Pieces of output that are handed over at once.
const AT_ONCE: usize = 256;
/// Writable places, all of them memory and the agent's: path, how it is mounted, and its mode.
const TMPFS: [(&str, &str, u32); 4] = [
    ("/tmp", "rw,exec,nosuid,nodev,size=2g", 0o1777),
    ("/workspace", "rw,exec,nosuid,nodev,size=2g", 0o755),
    ("/home/node", "rw,exec,nosuid,nodev,size=64m", 0o755),
    ("/credentials", "rw,noexec,nosuid,nodev,size=16m", 0o700),
];

/// A container to be.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub name: String,
    pub image: String,
    /// What is executed in it, and with which arguments.
    pub program: Vec<String>,
    pub labels: Vec<(String, String)>,
    pub memory_bytes: u64,
    pub cpus: f64,
    pub pids: u32,
    pub network: project::Network,
    pub mounts: Vec<project::Mount>,
    pub gpus: Option<String>,
    pub oci: Option<String>,
}

/// How a container ended, or that it did not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    Running,
    Paused,
    /// It was made and never started.
    Made,
    Ended {
        code: i64,
        out_of_memory: bool,
    },
    /// There is none.
    Gone,
}

/// One piece of output: when the engine took it, and what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// As the engine writes times; these sort as texts.
    pub at: String,
    pub stderr: bool,
    pub bytes: Vec<u8>,
}

/// Makes a container that waits to be started; its id. One of that name is an error (409).
///
/// # Errors
/// What the engine says.
pub async fn make(docker: &Docker, wanted: &Wanted) -> Result<String, Error> {
    let create = |owner| {
        let options = CreateContainerOptionsBuilder::new().name(&wanted.name).build();
        docker.create_container(Some(options), body(wanted, owner))
    };
    match create(Owner::Agent).await {
        Err(error) if words(&error).contains("unknown mount option") => {
            Ok(create(Owner::Root).await?.id)
        }
        made => Ok(made?.id),
    }
}

/// Whom memory in a container belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    Agent,
    /// Podman cannot be told an owner: root's, and everybody in it may write, as in `/tmp`.
    Root,
}

fn body(wanted: &Wanted, owner: Owner) -> ContainerCreateBody {
    let (program, arguments) = wanted.program.split_at(wanted.program.len().min(1));
    ContainerCreateBody {
        image: Some(wanted.image.clone()),
        user: Some(USER.to_owned()),
        entrypoint: Some(program.to_vec()),
        cmd: Some(arguments.to_vec()),
        env: Some(vec!["HOME=/tmp".to_owned()]),
        working_dir: Some("/tmp".to_owned()),
        labels: Some(wanted.labels.iter().cloned().collect()),
        open_stdin: Some(true),
        stdin_once: Some(true),
        attach_stdin: Some(true),
        host_config: Some(host_config(wanted, owner)),
        ..Default::default()
    }
}

fn host_config(wanted: &Wanted, owner: Owner) -> HostConfig {
    let memory = i64::try_from(wanted.memory_bytes).unwrap_or(i64::MAX);
    let network = match wanted.network {
        // The gateway comes in through a socket.
        project::Network::None | project::Network::Gateway => "none",
        project::Network::Full => "bridge",
    };
    // `gateway` is where the box listens; the machine itself is for those who may reach anything.
    let mut hosts = vec!["gateway:127.0.0.1".to_owned()];
    if wanted.network == project::Network::Full {
        hosts.push("host.docker.internal:host-gateway".to_owned());
    }
    HostConfig {
        network_mode: Some(network.to_owned()),
        extra_hosts: Some(hosts),
        readonly_rootfs: Some(true),
        tmpfs: Some(tmpfs(&wanted.mounts, owner)),
        mounts: Some(wanted.mounts.iter().map(bind).collect()),
        cap_drop: Some(vec!["ALL".to_owned()]),
        security_opt: Some(vec!["no-new-privileges:true".to_owned()]),
        privileged: Some(false),
        pids_limit: Some(wanted.pids.into()),
        memory: Some(memory),
        // No swap on top: a limit is a limit.
        memory_swap: Some(memory),
        nano_cpus: Some((wanted.cpus * 1e9) as i64),
        device_requests: wanted.gpus.as_deref().map(|gpus| vec![devices(gpus)]),
        runtime: wanted.oci.clone(),
        restart_policy: Some(RestartPolicy {
            name: Some(RestartPolicyNameEnum::NO),
            maximum_retry_count: None,
        }),
        log_config: Some(HostConfigLogConfig {
            typ: Some("json-file".to_owned()),
            config: Some(HashMap::from([
                ("max-size".to_owned(), LOG_FILE.to_owned()),
                ("max-file".to_owned(), LOG_FILES.to_owned()),
            ])),
        }),
        ..Default::default()
    }
}

/// Where something of the machine's is mounted there is no memory, as nothing can be in one place twice.
fn tmpfs(mounts: &[project::Mount], owner: Owner) -> HashMap<String, String> {
    let free = |path: &str| mounts.iter().all(|mount| mount.target != Path::new(path));
    let places = TMPFS.iter().filter(|(path, ..)| free(path));
    let how = |(path, how, mode): &(&str, &str, u32)| match owner {
        Owner::Agent => ((*path).to_owned(), format!("{how},mode={mode:o},uid=1000,gid=1000")),
        Owner::Root => ((*path).to_owned(), format!("{how},mode=1777")),
    };
    places.map(how).collect()
}

/// A mount whose source is missing is an error, never a new folder of root's.
fn bind(mount: &project::Mount) -> Mount {
    Mount {
        typ: Some(MountType::BIND),
        source: Some(mount.source.to_string_lossy().into_owned()),
        target: Some(mount.target.to_string_lossy().into_owned()),
        read_only: Some(!mount.writable),
        bind_options: Some(MountBindOptions::default()),
        ..Default::default()
    }
}

/// `all`, a number, or `device=0,1`.
fn devices(gpus: &str) -> DeviceRequest {
    let ids = gpus.strip_prefix("device=").map(|ids| ids.split(',').map(str::to_owned).collect());
    let count = match (&ids, gpus) {
        (Some(_), _) => None,
        (None, "all") => Some(-1),
        (None, number) => Some(number.parse().unwrap_or(-1)),
    };
    DeviceRequest {
        count,
        device_ids: ids,
        capabilities: Some(vec![vec!["gpu".to_owned()]]),
        ..Default::default()
    }
}

/// Starts a container and writes its whole input.
///
/// # Errors
/// What the engine says; the container may have started all the same.
pub async fn start(docker: &Docker, id: &str, input: &[u8]) -> Result<(), Error> {
    let options = AttachContainerOptionsBuilder::new().stdin(true).stream(true).build();
    // Before the start: what is written is there when it looks.
    let AttachContainerResults { input: mut stdin, output } =
        docker.attach_container(id, Some(options)).await?;
    docker.start_container(id, None::<StartContainerOptions>).await?;
    stdin.write_all(input).await?;
    stdin.shutdown().await?;
    drop(output);
    Ok(())
}

/// How a container is now.
///
/// # Errors
/// When the engine cannot be asked.
pub async fn look(docker: &Docker, id: &str) -> Result<State, Error> {
    let seen = match docker.inspect_container(id, None::<InspectContainerOptions>).await {
        Err(error) if is_missing(&error) => return Ok(State::Gone),
        seen => seen?,
    };
    let state = seen.state.unwrap_or_default();
    let status = state.status.map(|status| status.to_string()).unwrap_or_default();
    Ok(match status.as_str() {
        "running" | "restarting" => State::Running,
        "paused" => State::Paused,
        "created" => State::Made,
        _ => State::Ended {
            code: state.exit_code.unwrap_or(-1),
            out_of_memory: state.oom_killed.unwrap_or(false),
        },
    })
}

/// Returns when the container is not running any more, or the engine cannot tell; [`look`] tells how.
pub async fn wait(docker: &Docker, id: &str) {
    let mut ends = docker.wait_container(id, None::<WaitContainerOptions>);
    while let Some(Ok(_)) = ends.next().await {}
}

/// Sends a signal; false when there is nobody to hear it.
///
/// # Errors
/// When the engine cannot be asked.
pub async fn kill(docker: &Docker, id: &str, signal: &str) -> Result<bool, Error> {
    let options = KillContainerOptionsBuilder::new().signal(signal).build();
    told(docker.kill_container(id, Some(options)).await)
}

/// Stops all that runs in it where it is; false when nothing runs, or it is so already.
///
/// # Errors
/// When the engine cannot be asked.
pub async fn pause(docker: &Docker, id: &str) -> Result<bool, Error> {
    told(docker.pause_container(id).await)
}

/// Lets it go on; false when it was not paused.
///
/// # Errors
/// When the engine cannot be asked.
pub async fn unpause(docker: &Docker, id: &str) -> Result<bool, Error> {
    told(docker.unpause_container(id).await)
}

/// Removes it, running or not; it may be gone already.
///
/// # Errors
/// When the engine cannot be asked.
pub async fn remove(docker: &Docker, id: &str) -> Result<(), Error> {
    let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
    match docker.remove_container(id, Some(options)).await {
        Err(error) if is_missing(&error) || is_conflict(&error) => Ok(()),
        removed => removed,
    }
}

/// Follows the output from a second on, to its end, and hands over what is there at a time. Who wants
/// the rest after an interruption asks from the second of the last piece and drops what it has.
///
/// # Errors
/// When the engine cannot be asked, or goes away in between.
pub async fn follow(
    docker: &Docker,
    id: &str,
    since_s: i32,
    mut take: impl FnMut(Vec<Piece>),
) -> Result<(), Error> {
    let options = LogsOptionsBuilder::new()
        .follow(true)
        .stdout(true)
        .stderr(true)
        .timestamps(true)
        .since(since_s)
        .tail("all")
        .build();
    let mut outputs = docker.logs(id, Some(options)).ready_chunks(AT_ONCE);
    while let Some(outputs) = outputs.next().await {
        let mut failed = None;
        let mut pieces = Vec::with_capacity(outputs.len());
        for output in outputs {
            match output {
                Ok(output) => pieces.extend(piece(output)),
                Err(error) => failed = Some(error),
            }
        }
        take(pieces);
        if let Some(error) = failed {
            return Err(error);
        }
    }
    Ok(())
}

/// Cuts off the time that the engine writes before each piece.
fn piece(output: LogOutput) -> Option<Piece> {
    let (stderr, bytes) = match output {
        LogOutput::StdErr { message } => (true, message),
        LogOutput::StdOut { message } | LogOutput::Console { message } => (false, message),
        LogOutput::StdIn { .. } => return None,
    };
    let end = memchr::memchr(b' ', &bytes)?;
    Some(Piece {
        at: String::from_utf8_lossy(&bytes[..end]).into_owned(),
        stderr,
        bytes: bytes[end + 1..].to_vec(),
    })
}

/// Runs a container to its end and takes it away: its exit code, and what it wrote at most.
///
/// # Errors
/// When it cannot be made or started.
pub async fn run_once(docker: &Docker, wanted: &Wanted) -> Result<(i64, String), Error> {
    let id = make(docker, wanted).await?;
    let ran = async {
        docker.start_container(&id, None::<StartContainerOptions>).await?;
        wait(docker, &id).await;
        let mut said = String::new();
        let take = |pieces: Vec<Piece>| {
            for piece in pieces {
                said.push_str(&String::from_utf8_lossy(&piece.bytes));
            }
        };
        follow(docker, &id, 0, take).await?;
        Ok(match look(docker, &id).await? {
            State::Ended { code, .. } => (code, said),
            State::Running | State::Paused | State::Made | State::Gone => (-1, said),
        })
    };
    let ran = ran.await;
    remove(docker, &id).await?;
    ran
}

/// There is no such container.
pub fn is_missing(error: &Error) -> bool {
    status(error) == Some(404)
}

/// It is not in the state for that, or the name is taken.
pub fn is_conflict(error: &Error) -> bool {
    status(error) == Some(409)
}

/// What the engine answered; none when it did not answer.
pub fn status(error: &Error) -> Option<u16> {
    match error {
        Error::DockerResponseServerError { status_code, .. } => Some(*status_code),
        _ => None,
    }
}

/// The words of the engine without those of the library.
pub fn words(error: &Error) -> String {
    match error {
        Error::DockerResponseServerError { message, .. } => message.trim().to_owned(),
        other => other.to_string(),
    }
}

fn told(answer: Result<(), Error>) -> Result<bool, Error> {
    match answer {
        Ok(()) => Ok(true),
        Err(error) if is_missing(&error) || is_conflict(&error) => Ok(false),
        // "is not paused" and the like are 500 in older engines.
        Err(error) if status(&error) == Some(500) && words(&error).contains(" is not ") => {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// Where the gateway's socket is seen in a container.
pub fn socket_mount(folder: PathBuf) -> project::Mount {
    project::Mount { source: folder, target: "/run/al".into(), writable: false }
}
