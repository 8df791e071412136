//! From a delivery to the first instruction of the agent's program.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::http;
use crate::measure::{Aim, Table, median};
use crate::project::Project;

/// Makes this program write down when it started.
pub const STAMP: &str = "stamp";

fn now_ms() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64() * 1000.0
}

/// The agent's program. The file appears whole or not at all.
pub fn stamp(file: &str) {
    let now = now_ms();
    let fresh = format!("{file}.new");
    fs::write(&fresh, now.to_string()).unwrap();
    fs::rename(fresh, file).unwrap();
}

pub fn measure(table: &mut Table) {
    let me = std::env::current_exe().unwrap();
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let file = dir.path().join("stamp");
    let command = serde_json::to_string(&[me.to_str().unwrap(), STAMP, file.to_str().unwrap()]);
    let project = Project::new(1, &command.unwrap());
    let scheduler = project.start();
    let (mut sent, mut accepted, mut floors) = (Vec::new(), Vec::new(), Vec::new());
    for n in 0..60 {
        let began = now_ms();
        let (status, _) = http::deliver(&scheduler.url, &format!("delivery-{n}")).unwrap();
        let answered = now_ms();
        assert_eq!(status, 200);
        let started = take(&file);
        sent.push(started - began);
        accepted.push(started - answered);

        let began = now_ms();
        let mut bare = Command::new(&me);
        let mut bare = bare.arg(STAMP).arg(&file).stdout(Stdio::null()).spawn().unwrap();
        floors.push(take(&file) - began);
        bare.wait().unwrap();
        // Let the run end, so that each delivery finds a machine at rest.
        std::thread::sleep(Duration::from_millis(60));
    }
    let floor = ("bare fork and exec of it", median(floors));
    let name = "webhook accepted to first instruction";
    table.row(name, median(accepted), floor, "ms", Aim::AtMost(25.0));
    table.row("webhook sent to first instruction", median(sent), floor, "ms", Aim::None);
}

/// The moment in a file, which is removed.
fn take(file: &Path) -> f64 {
    loop {
        if let Ok(text) = fs::read_to_string(file) {
            fs::remove_file(file).unwrap();
            return text.parse().unwrap();
        }
        std::thread::sleep(Duration::from_micros(200));
    }
}
