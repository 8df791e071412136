//! 10,000 records a second from 20 runs for a minute, with a console attached that shows their log.

use std::fs;
use std::io::Write;
use std::thread;
use std::time::{Duration, Instant};

use crate::http;
use crate::idle::{cpu_ns, resident_mb};
use crate::measure::{Aim, Table};
use crate::project::Project;
use crate::screen::{Screen, share};

/// The word with which this program is the program of an agent.
pub const SPEAK: &str = "speak";
const RUNS: usize = 20;
/// Lines of a run at a time, and how often.
const LINES: u64 = 10;
const EVERY: Duration = Duration::from_millis(20);
/// Until the figures begin, and what they are taken over.
const SETTLED: Duration = Duration::from_secs(5);
const WATCHED: Duration = Duration::from_secs(60);
/// A key now and then.
const GAP: Duration = Duration::from_millis(200);

/// Speaks for as long as it is listened to.
pub fn speak() {
    let (begin, mut out) = (Instant::now(), std::io::stdout().lock());
    let rounds = (SETTLED + WATCHED + SETTLED).as_nanos() / EVERY.as_nanos();
    for round in 0..u64::try_from(rounds).unwrap() {
        let lines = (0..LINES).map(|n| {
            let step = round * LINES + n;
            format!(
                "tool bash cargo test -p al-core, step {step} of many, nothing unusual so far\n"
            )
        });
        if out.write_all(lines.collect::<String>().as_bytes()).is_err() {
            return;
        }
        let next = begin + EVERY * u32::try_from(round + 1).unwrap();
        thread::sleep(next.saturating_duration_since(Instant::now()));
    }
}

pub fn measure(table: &mut Table) {
    let this = std::env::current_exe().unwrap();
    let project = Project::new(1, &format!("[{:?}, {SPEAK:?}]", this.to_str().unwrap()));
    let config = project.dir().join("agents/agent-0/config.toml");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, format!("scale = {RUNS}\n{text}")).unwrap();
    let scheduler = project.start();
    let mut console = Screen::al(&project, &["attach"]);
    console.shows("agent-0");
    console.press("5");
    console.shows("[5 Logs");
    (0..RUNS).for_each(|n| drop(http::deliver(&scheduler.url, &format!("flood-{n}")).unwrap()));
    console.shows("nothing unusual");
    thread::sleep(SETTLED);

    let pids = [scheduler.pid(), console.pid()];
    let written = || -> u64 {
        let files = fs::read_dir(project.dir().join(".al/logs")).unwrap().flatten();
        let agents = files.filter(|file| file.file_name().to_string_lossy().starts_with("agent-"));
        agents.map(|file| file.metadata().unwrap().len()).sum()
    };
    let (bytes, cpu, memory) = (written(), pids.map(cpu_ns), pids.map(resident_mb));
    let (began, (frames, _)) = (Instant::now(), console.drawn());
    let times = usize::try_from(WATCHED.as_millis() / GAP.as_millis()).unwrap();
    let latencies = console.latencies("w", ["wrap on", "wrap off"], times, GAP);
    let seconds = began.elapsed().as_secs_f64();
    let (bytes, after) = ((written() - bytes) as f64, pids.map(resident_mb));
    let frames = (console.drawn().0 - frames) as f64;
    let line = mean_line(&project);
    table.row("records a second", bytes / line / seconds, ("nothing", 0.0), "", Aim::None);
    for percent in [50, 99] {
        let name = format!("key to screen meanwhile, {percent} of 100");
        table.row(&name, share(&latencies, percent), ("nothing", 0.0), "ms", Aim::AtMost(16.0));
    }
    table.row("frames a second", frames / seconds, ("nothing", 0.0), "", Aim::AtMost(60.0));
    for (n, name) in ["scheduler", "console"].iter().enumerate() {
        let percent = (cpu_ns(pids[n]) - cpu[n]) as f64 / seconds / 1e7;
        table.row(&format!("{name}, CPU"), percent, ("nothing", 0.0), "%", Aim::None);
        let floor = ("a minute before", memory[n]);
        let most = Aim::AtMost(memory[n] + 16.0);
        table.row(&format!("{name}, memory"), after[n], floor, "MB", most);
    }
}

/// Bytes of a record in the file.
fn mean_line(project: &Project) -> f64 {
    let files = fs::read_dir(project.dir().join(".al/logs")).unwrap().flatten();
    let mut texts = files
        .filter(|file| file.file_name().to_string_lossy().starts_with("agent-"))
        .map(|file| fs::read(file.path()).unwrap());
    let text = texts.next().unwrap();
    text.len() as f64 / memchr::memchr_iter(b'\n', &text).count().max(1) as f64
}
