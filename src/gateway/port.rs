//! Taking the port, and saying who has it when it is taken.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::Path;

use tokio::net::{TcpListener, TcpSocket, UnixListener};

use crate::failure::Failure;

/// Connections that wait to be accepted. Beyond it the kernel drops the last packet of a handshake:
/// the sender takes itself for connected and waits in vain. Kernels lower it to what they allow.
const BACKLOG: u32 = 4096;

/// Listens there; port 0 takes any that is free.
///
/// # Errors
/// When the port is taken, or not for this user, or the address is not of this machine.
///
/// # Panics
/// Outside a Tokio runtime.
pub fn bind(addr: SocketAddr) -> Result<TcpListener, Failure> {
    let listen = || {
        let socket = if addr.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        // Not the port of another process, but one whose last connections are still fading.
        socket.set_reuseaddr(true)?;
        socket.bind(addr)?;
        socket.listen(BACKLOG)
    };
    listen().map_err(|error| failure(addr, &error))
}

/// Listens at a socket in a folder that containers see, where every user of a container may connect:
/// who may look into the folder is decided by where it lies.
///
/// # Errors
/// When the folder or the socket cannot be made.
pub fn bind_socket(folder: &Path, name: &str) -> io::Result<UnixListener> {
    DirBuilder::new().recursive(true).mode(0o711).create(folder)?;
    // A folder that was there keeps its mode, and the process may have a mask.
    fs::set_permissions(folder, Permissions::from_mode(0o711))?;
    match fs::remove_file(folder.join(name)) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    // Paths of sockets are short, those of projects need not be.
    let handle = File::open(folder)?;
    let path = format!("/proc/self/fd/{}/{name}", handle.as_raw_fd());
    let listener = UnixListener::bind(&path)?;
    fs::set_permissions(&path, Permissions::from_mode(0o666))?;
    Ok(listener)
}

fn failure(addr: SocketAddr, error: &std::io::Error) -> Failure {
    let port = addr.port();
    let cannot =
        |what: &str| Failure::upstream("cannot_listen", format!("cannot listen on {addr}: {what}"));
    match error.kind() {
        ErrorKind::AddrInUse => {
            let owner = owner(port).map_or_else(String::new, |owner| format!(" by {owner}"));
            let message = format!("port {port} is in use{owner}");
            Failure::upstream("port_in_use", message)
                .hint("`al start --port <number>` takes another one, as does `[gateway] port` in config.toml")
        }
        ErrorKind::PermissionDenied => cannot("this user may not")
            .hint("ports below 1024 belong to root; `al start --port 8080` takes another one"),
        ErrorKind::AddrNotAvailable => cannot("this machine does not have that address"),
        _ => cannot(&error.to_string()),
    }
}

/// Name and process id of who listens on a port, when this user may know.
fn owner(port: u16) -> Option<String> {
    let sockets: Vec<String> = ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|table| fs::read_to_string(table).ok())
        .flat_map(|table| listening(&table, port))
        .collect();
    let processes = fs::read_dir("/proc").ok()?.flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| !sockets.is_empty() && has_open(*pid, &sockets)).find_map(|pid| {
        let name = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
        Some(format!("{} (process {pid})", name.trim()))
    })
}

/// The sockets of a table of the kernel that listen on a port, as links to them read.
fn listening(table: &str, port: u16) -> Vec<String> {
    const LISTEN: &str = "0A";
    let suffix = format!(":{port:04X}");
    let rows = table.lines().skip(1).map(|row| row.split_whitespace().collect::<Vec<_>>());
    rows.filter(|row| row.get(1).is_some_and(|local| local.ends_with(&suffix)))
        .filter(|row| row.get(3) == Some(&LISTEN))
        .filter_map(|row| Some(format!("socket:[{}]", row.get(9)?)))
        .collect()
}

fn has_open(pid: u32, sockets: &[String]) -> bool {
    let Ok(files) = fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    files.flatten().any(|file| {
        let target = fs::read_link(file.path()).unwrap_or_default();
        target.to_str().is_some_and(|target| sockets.iter().any(|socket| socket == target))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_port_in_use_names_its_owner_and_the_way_out() {
        let first = bind(([127, 0, 0, 1], 0).into()).unwrap();
        let addr = first.local_addr().unwrap();
        let failure = bind(addr).unwrap_err();
        let (port, pid) = (addr.port(), std::process::id());
        assert!(
            failure.message.starts_with(&format!("port {port} is in use by "))
                && failure.message.ends_with(&format!("(process {pid})")),
            "{failure:?}"
        );
        assert_eq!(failure.code, "port_in_use");
        assert!(failure.hints[0].contains("--port"), "{failure:?}");
    }

    /// While the process is busy, nobody accepts. As many wait as the kernel allows, which here is said
    /// in a file.
    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn many_may_come_at_once() {
        use std::time::Duration;

        use tokio::net::TcpStream;
        use tokio::time::timeout;

        let allowed = fs::read_to_string("/proc/sys/net/core/somaxconn").unwrap();
        let many = allowed.trim().parse::<usize>().unwrap().min(300);
        let listener = bind(([127, 0, 0, 1], 0).into()).unwrap();
        let addr = listener.local_addr().unwrap();
        let mut callers = Vec::new();
        for _ in 0..many {
            let calling = timeout(Duration::from_secs(20), TcpStream::connect(addr));
            callers.push(calling.await.expect("no room to wait in").unwrap());
        }
        for _ in &callers {
            timeout(Duration::from_secs(20), listener.accept())
                .await
                .expect("nobody there")
                .unwrap();
        }
    }
}
