//! What a scheduler costs that has nothing to do.

use std::fs;
use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use portable_pty::{CommandBuilder, PtySize, native_pty_system};

use crate::http;
use crate::measure::{Aim, Table};
use crate::project::{AL, Project};

/// How long it is watched.
const WATCHED: Duration = Duration::from_secs(20);
/// After the start, before anything counts: threads that have nothing to do end after ten seconds, and
/// take what they spent with them.
const SETTLED: Duration = Duration::from_secs(12);

pub fn measure(table: &mut Table) {
    let projects = [1, 500, 1].map(|agents| Project::new(agents, r#""true""#));
    let small = projects[0].start();
    let large = projects[1].start();
    let console = Console::open(&projects[2]);
    let mut floor = Command::new("sleep").arg("1000").stdin(Stdio::null()).spawn().unwrap();
    thread::sleep(SETTLED);
    let pids = [small.pid(), large.pid(), console.pid, floor.id()];
    let (bytes, cpu, woken) = (console.bytes(), pids.map(cpu_ns), pids.map(wakeups));
    thread::sleep(WATCHED);
    let woken: Vec<f64> = pids
        .iter()
        .zip(woken)
        .map(|(pid, before)| wakeups(*pid).saturating_sub(before) as f64 / WATCHED.as_secs_f64())
        .collect();
    let written = console.bytes() - bytes;
    let rest = WATCHED.as_nanos() as f64 / 100.0;
    let percent: Vec<f64> = pids
        .iter()
        .zip(cpu)
        .map(|(pid, before)| cpu_ns(*pid).saturating_sub(before) as f64 / rest)
        .collect();
    let memory = pids.map(resident_mb);
    floor.kill().unwrap();
    floor.wait().unwrap();
    console.close();

    let names = ["headless, 1 agent", "headless, 500 agents", "console, 1 agent"];
    for (n, (name, aim)) in names.iter().zip([25.0, 25.0, 40.0]).enumerate() {
        let name = format!("idle memory, {name}");
        table.row(&name, memory[n], ("sleep", memory[3]), "MB", Aim::AtMost(aim));
    }
    for (n, name) in names.iter().enumerate() {
        let name = format!("idle CPU in {} s, {name}", WATCHED.as_secs());
        table.row(&name, percent[n], ("sleep", percent[3]), "%", Aim::AtMost(0.5));
    }
    for (n, name) in names.iter().enumerate() {
        let name = format!("idle wakeups a second, {name}");
        table.row(&name, woken[n], ("sleep", woken[3]), "", Aim::None);
    }
    let name = "written to the idle terminal";
    table.row(name, written as f64, ("nothing", 0.0), "bytes", Aim::AtMost(0.0));
    one_run(table);
}

/// What each run in flight costs on top of its program: memory of its supervisor that is shared
/// with nobody.
fn one_run(table: &mut Table) {
    let project = Project::new(1, r#"["sleep", "3"]"#);
    let scheduler = project.start();
    http::deliver(&scheduler.url, "delivery").unwrap();
    let supervisor = only_child(scheduler.pid());
    let program = only_child(supervisor);
    thread::sleep(Duration::from_secs(1));
    let (al, floor) = (private_mb(supervisor), private_mb(program));
    table.row("memory per run, not shared", al, ("its program, sleep", floor), "MB", Aim::None);
}

fn only_child(pid: u32) -> u32 {
    loop {
        let threads = fs::read_dir(format!("/proc/{pid}/task")).unwrap().flatten();
        let children = |thread: fs::DirEntry| fs::read_to_string(thread.path().join("children"));
        let children: String = threads.filter_map(|thread| children(thread).ok()).collect();
        if let Some(child) = children.split_whitespace().next() {
            return child.parse().unwrap();
        }
        thread::sleep(Duration::from_millis(1));
    }
}

fn private_mb(pid: u32) -> f64 {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap();
    let lines = text.lines().filter(|line| line.starts_with("Private_"));
    let kb = |line: &str| line.split_whitespace().nth(1)?.parse::<f64>().ok();
    lines.filter_map(kb).sum::<f64>() / 1024.0
}

/// Nanoseconds on a processor, over all threads.
pub fn cpu_ns(pid: u32) -> u64 {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).unwrap().flatten();
    let spent = |thread: fs::DirEntry| -> Option<u64> {
        let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse().ok()
    };
    threads.filter_map(spent).sum()
}

/// How often its threads had waited and went on.
pub fn wakeups(pid: u32) -> u64 {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).unwrap().flatten();
    let switches = |thread: fs::DirEntry| -> Option<u64> {
        let text = fs::read_to_string(thread.path().join("status")).ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?;
        line.trim().parse().ok()
    };
    threads.filter_map(switches).sum()
}

pub fn resident_mb(pid: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<f64>().unwrap() / 1024.0
}

/// `al start` on a terminal whose bytes are counted.
struct Console {
    pid: u32,
    child: Box<dyn portable_pty::Child + Send + Sync>,
    bytes: Arc<AtomicU64>,
    _terminal: Box<dyn portable_pty::MasterPty + Send>,
}

impl Console {
    fn open(project: &Project) -> Self {
        let size = PtySize { rows: 40, cols: 120, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(AL);
        command.args(["start", "--port", "0", "-p"]);
        command.arg(project.dir());
        let (name, value) = project.home_variable();
        command.env(name, value);
        command.env("TERM", "xterm-256color");
        let mut child = pair.slave.spawn_command(command).unwrap();
        let pid = child.process_id().unwrap();
        let bytes = Arc::new(AtomicU64::new(0));
        let (mut reader, count) = (pair.master.try_clone_reader().unwrap(), Arc::clone(&bytes));
        thread::spawn(move || {
            let mut block = [0; 4096];
            while let Ok(n @ 1..) = reader.read(&mut block) {
                count.fetch_add(n as u64, Ordering::Relaxed);
            }
        });
        project.answering(pid, || child.try_wait().unwrap().is_some());
        Self { pid, child, bytes, _terminal: pair.master }
    }

    fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    fn close(mut self) {
        let pid = rustix::process::Pid::from_raw(self.pid.cast_signed()).unwrap();
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        self.child.wait().unwrap();
        assert!(self.bytes() > 0, "there was a console");
    }
}
