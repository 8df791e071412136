//! The scheduler is killed again and again while deliveries arrive, runs hold locks and call each
//! other. Afterwards the same questions as in the simulation: was a promise broken, did something
//! happen twice, is something left?

use std::collections::{HashMap, HashSet};
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::disk;
use crate::http::deliver;
use crate::project::{Project, await_some, kill_9, read_json, rows, until};
use crate::scheduler::Scheduler;

/// Takes one of three locks, sees that nobody else has it, calls the helper and waits for it. What
/// cannot be asked because the scheduler is dead is asked again.
const WORK: &str = r#"#!/bin/sh
echo $AL_INSTANCE_ID >> $AL_AGENT_DIR/ran
n=$(( $$ % 3 ))
until rlock torture://$n --wait 60s > /dev/null; do sleep 0.02; done
mkdir $AL_AGENT_DIR/held-$n || echo $AL_INSTANCE_ID >> $AL_AGENT_DIR/violations
until call=$(echo do it | al-call helper --key once); do sleep 0.02; done
id=${call#*\"callId\":\"}
id=${id%%\"*}
until result=$(al-wait $id --timeout 60) && [ "${result#*gateway unreachable}" = "$result" ]; do
  sleep 0.02
done
rmdir $AL_AGENT_DIR/held-$n
until runlock torture://$n > /dev/null || [ $? = 2 ]; do sleep 0.02; done
case $result in *'"completed"'*) exit 0 ;; *) exit 5 ;; esac
"#;

const HELP: &str =
    "#!/bin/sh\necho $AL_INSTANCE_ID >> $AL_AGENT_DIR/ran\nal-return done > /dev/null\n";

fn project() -> Project {
    let project = Project::new("workQueueSize = 10000").agent("work", "scale = 3", WORK);
    let helper = project.dir().join("agents/helper");
    let project = project.agent("helper", "scale = 2", HELP);
    // It is called, never delivered to.
    let config = fs::read_to_string(helper.join("config.toml")).unwrap();
    let config = config.replace("events = [\"issues\"]", "events = [\"never\"]");
    fs::write(helper.join("config.toml"), config).unwrap();
    project
}

/// A port that stays the same over all starts, as runs in flight know it.
fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

/// Delivers each id until it is accepted; what was accepted, with the answer.
struct Senders<'a> {
    url: String,
    ids: Vec<String>,
    answers: Mutex<HashMap<String, Value>>,
    give_up: &'a AtomicBool,
}

impl Senders<'_> {
    fn send(&self, part: usize, of: usize) {
        for id in self.ids.iter().skip(part).step_by(of) {
            while !self.give_up.load(Ordering::Relaxed) {
                match deliver(&self.url, id) {
                    Ok((200, answer)) => {
                        self.answers.lock().unwrap().insert(id.clone(), answer);
                        break;
                    }
                    Ok((503, _)) | Err(_) => thread::sleep(Duration::from_millis(2)),
                    Ok(other) => panic!("{id}: {other:?}"),
                }
            }
        }
    }

    fn done(&self) -> bool {
        self.answers.lock().unwrap().len() == self.ids.len()
    }
}

/// Milliseconds below `below`, from the machine's randomness.
fn random_ms(below: u64) -> Duration {
    let bytes = action_llama::ambient::random::<4>().unwrap();
    Duration::from_millis(u64::from(u32::from_le_bytes(bytes)) % below)
}

/// Starts and kills the scheduler `kills` times while `deliveries` arrive; `between` is called
/// before each kill. Returns the answers and a scheduler that lives.
fn torture(
    kills: usize,
    deliveries: usize,
    port: u16,
    start: impl Fn() -> Scheduler,
    between: impl Fn(usize),
) -> (HashMap<String, Value>, Scheduler) {
    let give_up = AtomicBool::new(false);
    let senders = Senders {
        url: format!("http://127.0.0.1:{port}"),
        ids: (0..deliveries).map(|n| format!("delivery-{n}")).collect(),
        answers: Mutex::default(),
        give_up: &give_up,
    };
    let alive = thread::scope(|scope| {
        for part in 0..4 {
            let senders = &senders;
            scope.spawn(move || senders.send(part, 4));
        }
        // Whatever fails here must not leave the senders waiting.
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            for n in 0..kills {
                let scheduler = start();
                thread::sleep(random_ms(120));
                between(n);
                scheduler.kill_9();
            }
            let scheduler = start();
            until("every delivery is accepted", || senders.done());
            scheduler
        }));
        give_up.store(true, Ordering::Relaxed);
        outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    });
    (senders.answers.into_inner().unwrap(), alive)
}

/// What an agent's script wrote, a run a line.
fn ran(project: &Project, agent: &str) -> Vec<String> {
    let text = fs::read_to_string(project.agent_dir(agent).join("ran")).unwrap_or_default();
    let mut ran: Vec<String> = text.lines().map(str::to_owned).collect();
    ran.sort();
    ran
}

/// Nothing was lost, nothing happened twice, nothing is left. On a disk that is full at times runs
/// may fail to start, and say so.
fn check(
    full_at_times: bool,
    project: &Project,
    database: &Path,
    answers: &HashMap<String, Value>,
    runs: &[Value],
    triggers: &[Value],
) {
    let never_ran = |run: &Value| run["why"].as_str().unwrap().starts_with("could not start: ");
    let known: HashSet<&Value> = runs.iter().map(|run| &run["id"]).collect();
    assert_eq!(known.len(), runs.len(), "each run once in history");
    for (id, answer) in answers {
        let receipts: Vec<&Value> =
            triggers.iter().filter(|row| row["id"] == answer["receiptId"]).collect();
        let [receipt] = receipts[..] else { panic!("{} receipts of {id}", receipts.len()) };
        let of_it = receipt["runs"].as_array().unwrap();
        assert!(of_it.len() == 1 && known.contains(&of_it[0]), "no run of {id}: {receipt}");
    }
    let of = |agent: &str| -> Vec<String> {
        let of_agent = runs.iter().filter(|run| run["agent"] == agent);
        let mut ids: Vec<String> =
            of_agent.map(|run| run["id"].as_str().unwrap().to_owned()).collect();
        ids.sort();
        ids
    };
    assert_eq!(of("work").len(), answers.len(), "a run a delivery");
    let callers = of("work").len()
        - runs.iter().filter(|run| run["agent"] == "work" && never_ran(run)).count();
    assert_eq!(of("helper").len(), callers, "a call a run, however often it was asked for");
    // An attempt that a kill kept from beginning gives its place to the next one: its number may be
    // more than 1. That none ran twice is seen below.
    for run in runs {
        // 5: the run that it called failed; 7: what it returned could not be kept.
        let told = [5, 7].iter().any(|code| run["exit_code"] == *code);
        let failed = full_at_times && (never_ran(run) || told);
        assert!(run["state"] == "succeeded" || (run["state"] == "failed" && failed), "{run}");
    }
    for agent in ["work", "helper"] {
        let mut began = of(agent);
        began.retain(|id| !runs.iter().any(|run| run["id"] == id.as_str() && never_ran(run)));
        assert_eq!(ran(project, agent), began, "{agent}: each ran once");
    }
    let violations = project.agent_dir("work").join("violations");
    assert!(!violations.exists(), "two held one lock: {}", fs::read_to_string(violations).unwrap());
    let database = rusqlite::Connection::open(database).unwrap();
    for left in ["locks", "effects", "timers WHERE key NOT IN ('prune') AND key NOT LIKE 'cron:%'"]
    {
        let sql = format!("SELECT count(*) FROM {left}");
        let count: u32 = database.query_row(&sql, [], |row| row.get(0)).unwrap();
        assert_eq!(count, 0, "left in {left}");
    }
}

#[test]
fn a_hundred_kills_under_load_lose_nothing_and_repeat_nothing() {
    let (project, port) = (project(), free_port());
    let began = Instant::now();
    let start = || {
        let port = port.to_string();
        let command = project.command(&["start", "-H", "--port", &port]);
        project.start_by(command, |_| project.state_dir())
    };
    let (answers, scheduler) = torture(100, 80, port, start, |_| {});
    until("the end of all runs", || {
        project.json(&["stat", "--json"])["runs"].as_array().unwrap().is_empty()
    });
    let (runs, triggers) = (project.runs(), project.triggers());
    scheduler.end();
    check(false, &project, &project.state_dir().join("al.db"), &answers, &runs, &triggers);
    println!(
        "100 kills in {:.1} s: {} deliveries, {} runs, each once",
        began.elapsed().as_secs_f64(),
        answers.len(),
        runs.len()
    );
}

/// Keeps a small file system mounted over the project's `.al`, while schedulers come and go.
struct Holder(Child);

impl Holder {
    fn new(project: &Project, size: &str) -> Option<Self> {
        let mut command = disk::mount(project, size, "sleep 600")?;
        let child = command.stdin(Stdio::null()).spawn().unwrap();
        let holder = Self(child);
        let mounted = || {
            fs::read_to_string(format!("/proc/{}/mounts", holder.0.id()))
                .is_ok_and(|mounts| mounts.contains(&project.state_dir().display().to_string()))
        };
        until("the mounted file system", mounted);
        Some(holder)
    }

    /// A path as processes see it that live there.
    fn seen(&self, path: PathBuf) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root", self.0.id())).join(path.strip_prefix("/").unwrap())
    }

    fn al(&self, project: &Project, args: &[&str]) -> Command {
        disk::within(self.0.id(), project, args)
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        kill_9(self.0.id());
        let _ = self.0.wait();
    }
}

#[test]
fn kills_on_a_disk_that_fills_up_again_and_again_lose_nothing() {
    let (project, port) = (project(), free_port());
    let Some(holder) = Holder::new(&project, "size=24m") else { return };
    let ballast = holder.seen(project.state_dir()).join("ballast");
    let start = || {
        // A start on a full disk says so and ends; here there is room for one.
        let _ = fs::remove_file(&ballast);
        let command = holder.al(&project, &["start", "-H", "--port", &port.to_string()]);
        project.start_by(command, |_| holder.seen(project.state_dir()))
    };
    let fill = |n: usize| {
        if n.is_multiple_of(2) {
            disk::fill(&ballast);
            thread::sleep(random_ms(60));
        }
    };
    let (answers, scheduler) = torture(30, 30, port, start, fill);
    let json = |args: &[&str]| read_json(holder.al(&project, args));
    await_some("the end of all runs", || {
        json(&["stat", "--json"])["runs"].as_array().unwrap().is_empty().then_some(())
    });
    let runs = rows(json(&["runs", "--json", "-n", "10000"]), "runs");
    let triggers = rows(json(&["triggers", "--json", "-n", "10000"]), "triggers");
    scheduler.end();
    // SQLite would follow the path out of the other mount namespace.
    let database = project.home().join("al.db");
    fs::copy(holder.seen(project.state_dir()).join("al.db"), &database).unwrap();
    check(true, &project, &database, &answers, &runs, &triggers);
}
