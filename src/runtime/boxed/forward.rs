//! A port on the loopback of a container that leads to the gateway's socket.

use std::io;
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::thread;

/// Listens and forwards until the process ends; yields the port.
pub fn start(socket: &Path) -> io::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let port = listener.local_addr()?.port();
    let socket = socket.to_owned();
    thread::Builder::new().name("gateway".to_owned()).spawn(move || accept(&listener, &socket))?;
    Ok(port)
}

fn accept(listener: &TcpListener, socket: &Path) {
    for client in listener.incoming().flatten() {
        let socket: PathBuf = socket.to_owned();
        // Without a thread for it the client is told by a closed connection.
        let _ = thread::Builder::new().name("gateway".to_owned()).spawn(move || {
            let _ = join(client, &socket);
        });
    }
}

/// Carries bytes both ways until both have ended.
fn join(client: TcpStream, socket: &Path) -> io::Result<()> {
    let server = UnixStream::connect(socket)?;
    let (mut from_client, mut to_server) = (client.try_clone()?, server.try_clone()?);
    let up = thread::Builder::new().name("gateway".to_owned()).spawn(move || {
        let _ = io::copy(&mut from_client, &mut to_server);
        let _ = to_server.shutdown(Shutdown::Write);
    })?;
    let (mut from_server, mut to_client) = (server, client);
    let copied = io::copy(&mut from_server, &mut to_client);
    let _ = to_client.shutdown(Shutdown::Write);
    let _ = up.join();
    copied.map(|_| ())
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn what_comes_in_at_the_port_comes_out_at_the_socket_and_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s");
        let listener = UnixListener::bind(&path).unwrap();
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let mut text = String::new();
                stream.read_to_string(&mut text).unwrap();
                stream.write_all(text.to_uppercase().as_bytes()).unwrap();
            }
        });
        let port = start(&path).unwrap();
        for word in ["one", "two"] {
            let mut client = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
            client.write_all(word.as_bytes()).unwrap();
            client.shutdown(Shutdown::Write).unwrap();
            let mut answer = String::new();
            client.read_to_string(&mut answer).unwrap();
            assert_eq!(answer, word.to_uppercase());
        }
    }

    #[test]
    fn without_a_socket_the_connection_is_closed() {
        let port = start(Path::new("/nowhere/s")).unwrap();
        let mut client = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        assert_eq!(answer, "");
    }
}
