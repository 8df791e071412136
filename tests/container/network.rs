//! What a container reaches.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixListener;

use action_llama::project::Network;
use action_llama::runtime::{Access, Spec};

use crate::world::World;
use crate::{container, has_engine, with};

/// Answers every request at the gateway's socket with its first line.
fn gateway(world: &World) {
    let folder = world.path().join(".al/box");
    std::fs::create_dir_all(&folder).unwrap();
    let socket = folder.join("gateway.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    std::process::Command::new("chmod")
        .args(["666".as_ref(), socket.as_os_str()])
        .status()
        .unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut head = [0; 4096];
            let n = stream.read(&mut head).unwrap_or(0);
            let line =
                String::from_utf8_lossy(&head[..n]).lines().next().unwrap_or_default().to_owned();
            let body = format!("{{\"ok\":true,\"line\":\"{line}\"}}");
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
        }
    });
}

fn reaching(world: &World, network: Network, line: &str) -> Spec {
    let access = Access { url: "http://127.0.0.1:1".to_owned(), token: "t".to_owned() };
    let spec = with(container(world, line), |c| c.network = network);
    Spec { gateway: (network != Network::None).then_some(access), ..spec }
}

#[tokio::test]
async fn the_gateway_is_reached_unless_nothing_is() {
    if !has_engine() {
        return;
    }
    let line = "rlock file://x; echo $?";
    for (network, want) in [
        (Network::Gateway, &["{\"ok\":true,\"line\":\"POST /locks/acquire HTTP/1.1\"}", "0"][..]),
        (Network::Full, &["{\"ok\":true,\"line\":\"POST /locks/acquire HTTP/1.1\"}", "0"][..]),
        (Network::None, &["{\"ok\":true}", "0"][..]),
    ] {
        let world = World::new();
        gateway(&world);
        world.run(reaching(&world, network, line)).await;
        assert_eq!(world.output(), want, "{network:?}");
        println!("in a container: the gateway with network {network:?}: {want:?}");
    }
}

#[tokio::test]
async fn only_full_has_a_network() {
    if !has_engine() {
        return;
    }
    let line = "ls /sys/class/net | tr '\\n' ' '; echo; cat /proc/net/route | wc -l";
    for (network, want) in [
        (Network::None, &["lo ", "1"][..]),
        (Network::Gateway, &["lo ", "1"][..]),
        (Network::Full, &["eth0 lo ", "3"][..]),
    ] {
        let world = World::new();
        gateway(&world);
        world.run(reaching(&world, network, line)).await;
        assert_eq!(world.output(), want, "{network:?}");
        println!("in a container: interfaces with network {network:?}: {want:?}");
    }
}

#[tokio::test]
async fn a_gateway_that_is_away_is_told() {
    if !has_engine() {
        return;
    }
    let world = World::new();
    std::fs::create_dir_all(world.path().join(".al/box")).unwrap();
    world.run(reaching(&world, Network::Gateway, "rlock file://x >/dev/null 2>&1; echo $?")).await;
    assert_eq!(world.output(), ["6"], "unreachable, and not taken for a lock");
}
