//! 500 agents whose schedules fire every second.

use std::fs;
use std::thread;
use std::time::Duration;

use action_llama::store::{FILE, Reader, TriggersQuery};

use crate::cpu_s;
use crate::measure::{Aim, Table};
use crate::project::Project;

const AGENTS: usize = 500;
const WATCHED: Duration = Duration::from_secs(60);

pub fn measure(table: &mut Table) {
    let project = Project::new(AGENTS, r#"["sleep", "600"]"#);
    // A few run, so that most ticks find the project busy: every one of them is a receipt.
    fs::write(
        project.dir().join("config.toml"),
        "scale = 2\n[webhooks.github]\ntype = \"github\"\ncredential = \"test\"\n",
    )
    .unwrap();
    for n in 0..AGENTS {
        let file = project.dir().join(format!("agents/agent-{n}/config.toml"));
        let text = fs::read_to_string(&file).unwrap();
        fs::write(file, text.replace("\"0 0 1 1 *\"", "\"* * * * * *\"")).unwrap();
    }
    let scheduler = project.start();
    thread::sleep(Duration::from_secs(2));
    let before = (receipts(&project), cpu_s(scheduler.pid()));
    thread::sleep(WATCHED);
    let after = (receipts(&project), cpu_s(scheduler.pid()));
    assert!(project.al(&["stop", "--now"]).status().unwrap().success());
    let expected = AGENTS as f64 * WATCHED.as_secs_f64();
    let found = (after.0 - before.0) as f64;
    let percent = (after.1 - before.1) / WATCHED.as_secs_f64() * 100.0;
    // The watch begins and ends within a second, so one round more or less is in it.
    let missed = (expected - found - AGENTS as f64).max(0.0);
    let name = format!("missed of {expected} ticks, {AGENTS} agents");
    table.row(&name, missed, ("none", 0.0), "", Aim::AtMost(0.0));
    let name = format!("CPU of one core, {AGENTS} agents every second");
    table.row(&name, percent, ("none", 0.0), "%", Aim::AtMost(20.0));
}

fn receipts(project: &Project) -> usize {
    let reader = Reader::new(project.dir().join(".al").join(FILE));
    let query = TriggersQuery { limit: u32::MAX, ..TriggersQuery::default() };
    reader.triggers(&query).unwrap().len()
}
