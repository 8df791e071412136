//! What a run in a container costs beside `docker run` of the same image with the same flags, and what
//! it costs to listen to twenty of them.
//!
//! ```text
//! cargo bench --bench containers
//! ```
//! Needs a Docker engine and the image `debian:bookworm-slim`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use action_llama::agent::COMMANDS;
use action_llama::project::{Network, ScriptCommand};
use action_llama::runtime::{Container, Limits, Place, Process, Runtime as _, Spec};
use serde_json::json;

const AL: &str = env!("CARGO_BIN_EXE_al");
const STARTS: u32 = 15;
const CONTAINERS: u32 = 20;
const LINES: u32 = 5_000;

fn main() {
    let dir = tempfile::tempdir().unwrap();
    let image = image(dir.path());
    let al = dir.path().join(".al");
    let runtime = Process::new(&al, &al.join("logs"), AL.into(), &COMMANDS).unwrap();
    let tokio = tokio::runtime::Runtime::new().unwrap();
    starts(&tokio, &runtime, &image);
    lines(&tokio, &runtime, &image, &al.join("logs"));
    docker(&["image", "rm", "--force", &image]);
}

fn starts(tokio: &tokio::runtime::Runtime, runtime: &Process, image: &str) {
    let (mut ours, mut floor) = (Vec::new(), Vec::new());
    for n in 0..STARTS {
        let began = Instant::now();
        tokio.block_on(async {
            let handle = runtime.start(spec(&format!("b-{n}"), image, "true")).await.unwrap();
            assert_eq!(runtime.wait(&handle).await.unwrap().code, Some(0));
        });
        ours.push(began.elapsed());
        let began = Instant::now();
        docker(&[&FLAGS[..], &["--entrypoint", "/bin/sh", image, "-c", "true"]].concat());
        floor.push(began.elapsed());
    }
    let (ours, floor) = (median(ours), median(floor));
    println!(
        "start to end of a run: {} ms, docker run --rm: {} ms, {:.2} x",
        ours.as_millis(),
        floor.as_millis(),
        ours.as_secs_f64() / floor.as_secs_f64()
    );
}

/// Twenty containers that write 500 lines a second for ten seconds.
fn lines(tokio: &tokio::runtime::Runtime, runtime: &Process, image: &str, logs: &Path) {
    let line = "i=0; while [ $i -lt 100 ]; do i=$((i+1)); seq -f 'a line of output %g' 50; sleep 0.1; done";
    let began = Instant::now();
    let before = children_cpu();
    tokio.block_on(async {
        let mut handles = Vec::new();
        for n in 0..CONTAINERS {
            handles.push(runtime.start(spec(&format!("l-{n}"), image, line)).await.unwrap());
        }
        for handle in &handles {
            let exit = runtime.wait(handle).await.unwrap();
            assert_eq!((exit.code, exit.lines), (Some(0), u64::from(LINES)), "lines were lost");
        }
    });
    // Supervisors are children, waited for once they have ended.
    std::thread::sleep(Duration::from_millis(500));
    let (took, cpu) = (began.elapsed(), children_cpu() - before);
    let bytes: u64 =
        fs::read_dir(logs).unwrap().map(|e| e.unwrap().metadata().unwrap().len()).sum();
    println!(
        "{CONTAINERS} containers, {LINES} lines each in {:.1} s: none lost, {:.1} MB of log, {:.0} % of a core \
         ({:.1} s) in all supervisors",
        took.as_secs_f64(),
        bytes as f64 / 1e6,
        100.0 * cpu.as_secs_f64() / took.as_secs_f64(),
        cpu.as_secs_f64()
    );
}

/// CPU time of the ended children of this process.
fn children_cpu() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let words: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
    let ticks: u64 = words[13].parse::<u64>().unwrap() + words[14].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 10)
}

const FLAGS: [&str; 24] = [
    "run",
    "--rm",
    "--read-only",
    "--user",
    "1000:1000",
    "--cap-drop",
    "ALL",
    "--security-opt",
    "no-new-privileges:true",
    "--pids-limit",
    "64",
    "--memory",
    "256m",
    "--memory-swap",
    "256m",
    "--cpus",
    "1",
    "--network",
    "none",
    "--tmpfs",
    "/tmp:rw,exec,nosuid,size=2g",
    "--tmpfs",
    "/workspace",
    "--init=false",
];

fn spec(run: &str, image: &str, line: &str) -> Spec {
    Spec {
        run: run.to_owned(),
        attempt: 1,
        agent: "bench".to_owned(),
        agent_dir: "/app/static".into(),
        place: Place::Container(Box::new(Container {
            image: image.to_owned(),
            project: "bench".to_owned(),
            limits: Limits { memory_bytes: 256 << 20, cpus: 1.0, pids: 64 },
            network: Network::None,
            mounts: vec![],
            gpus: None,
            oci: None,
        })),
        adopt: false,
        command: ScriptCommand::Line(line.to_owned()),
        env: vec![],
        files: vec![],
        trigger: json!({"type": "manual"}),
        input: None,
        params: json!({}),
        timeout_s: 300,
        secrets: vec![],
        gateway: None,
    }
}

fn image(dir: &Path) -> String {
    fs::copy(AL, dir.join("al")).unwrap();
    fs::write(
        dir.join("Dockerfile"),
        "FROM debian:bookworm-slim\nCOPY al /app/bin/al\nRUN mkdir /app/static\n",
    )
    .unwrap();
    docker(&["build", "--quiet", "--tag", "al-bench", dir.to_str().unwrap()]);
    docker(&["image", "inspect", "--format", "{{.Id}}", "al-bench"])
}

fn docker(args: &[&str]) -> String {
    let output = Command::new("docker").args(args).env("DOCKER_BUILDKIT", "0").output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn median(mut all: Vec<Duration>) -> Duration {
    all.sort();
    all[all.len() / 2]
}
