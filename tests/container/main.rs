//! Runs in real containers of a real engine: what they can and cannot do, and how they live and end.
//!
//! They are skipped only when `AL_TEST_NO_DOCKER` says so. What they need is a Docker engine and the
//! image `debian:bookworm-slim`; `tests/run` sees to both.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::print_stdout, clippy::print_stderr)] // what is asserted, and what is skipped

mod bare;
mod builds;
mod image;
mod inside;
mod life;
mod network;
#[path = "../runtime/world.rs"]
#[allow(dead_code)]
mod world;

use action_llama::project::{Mount, Network};
use action_llama::runtime::{Container, Limits, Place, Spec};

use crate::image::image;
use crate::world::World;

/// False, and loudly so, when this machine is to be tested without an engine.
fn has_engine() -> bool {
    let skipped = action_llama::ambient::env_os("AL_TEST_NO_DOCKER").is_some();
    if skipped {
        eprintln!("SKIPPED: AL_TEST_NO_DOCKER is set, nothing about containers was tested");
    }
    !skipped
}

/// A container of the world's agent that runs this line. Runs of all tests share one engine, so each
/// has a name of its own.
fn container(world: &World, line: &str) -> Spec {
    let name = world.path().file_name().unwrap().to_string_lossy().replace('.', "");
    Spec {
        run: format!("a-{name}"),
        place: Place::Container(Box::new(Container {
            image: image(),
            project: world.path().display().to_string(),
            limits: Limits { memory_bytes: 256 << 20, cpus: 1.0, pids: 64 },
            network: Network::None,
            mounts: vec![],
            gpus: None,
            oci: None,
        })),
        ..world.line(line)
    }
}

/// The same with something else about it.
fn with(spec: Spec, change: impl FnOnce(&mut Container)) -> Spec {
    let Place::Container(mut container) = spec.place.clone() else { panic!("no container") };
    change(&mut container);
    Spec { place: Place::Container(container), ..spec }
}

fn mount(source: &std::path::Path, target: &str, writable: bool) -> Mount {
    Mount { source: source.to_owned(), target: target.into(), writable }
}

/// What `docker` prints.
fn docker(args: &[&str]) -> String {
    let output = std::process::Command::new("docker").args(args).output().unwrap();
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn container_name(spec: &Spec) -> String {
    format!("al-{}-{}", spec.run, spec.attempt)
}
