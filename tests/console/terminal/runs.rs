//! Runs: started, watched, queued behind, paused, killed and run again.

use insta::assert_snapshot;

use crate::project::{DEPLOY, Project, on};

/// Says something else all the time.
const TALKER: &str = r#"
n=0
while [ -e "$AL_AGENT_DIR/run.sh" ]; do n=$((n + 1)); al-status "said $n" >/dev/null; done
"#;

#[test]
fn a_run_is_started_watched_and_ends_with_its_value() {
    let project = Project::new();
    let terminal = project.start((80, 24));
    terminal.press(&["G"]);
    terminal.shows("Log deploy");
    terminal.press(&["s"]);
    terminal.run_form("deploy");
    terminal.write("to production");
    assert_snapshot!("start", terminal.still("'to production'"));
    terminal.press(&["Enter"]);

    terminal.line(&["deploy", "running", "1/1", "built, waits"]);
    terminal.shows("step 2 of 3: build");
    terminal.press(&["2"]);
    terminal.line(&["> deploy-", "running", "manual by ada"]);
    terminal.shows("Log deploy-");
    // The flash about the start goes by itself.
    assert_snapshot!("running", terminal.still("? help"));

    project.open_gate("deploy");
    terminal.line(&["deploy-", "succeeded"]);
    terminal.shows("step 3 of 3: ship");
    terminal.press(&["i"]);
    let screen = terminal.still("i closes");
    for fact in ["to production", r#"{"shipped": true}"#, "built, waits for the gate"] {
        assert!(screen.contains(fact), "no {fact}\n{screen}");
    }
    terminal.press(&["Escape"]);
    // Else a terminal may take both keys for one.
    terminal.hides("i closes");

    // The same trigger once more, with the same prompt.
    project.close_gate("deploy");
    terminal.press(&["R"]);
    terminal.question("Rerun deploy-");
    terminal.press(&["y"]);
    terminal.shows("Runs 2");
    terminal.line(&["deploy-", "running", "manual by ada"]);
}

/// CPU is what was used between two looks, so it comes a moment after the memory.
#[test]
fn what_a_run_uses_stands_in_its_row_and_is_inspected() {
    let project = Project::new();
    project.agent("talker", &on("push"), TALKER);
    let terminal = project.start((120, 40));
    terminal.press(&["G", "s"]);
    terminal.run_form("talker");
    terminal.press(&["Enter"]);
    terminal.shows("accepted talker-");
    terminal.press(&["2", "z"]);
    terminal.line(&["RUN", "STATE", "CPU", "MEM", "TRIGGER"]);
    terminal.line(&["> talker-", "running", "%", "M "]);
    terminal.press(&["i"]);
    terminal.line(&["cpu ", "%"]);
    terminal.line(&["memory ", "M"]);
    terminal.line(&["pids "]);
}

#[test]
fn a_failed_run_says_how_it_ended() {
    let project = Project::new();
    let terminal = project.start((80, 24));
    terminal.press(&["s"]);
    terminal.run_form("broken");
    terminal.press(&["Enter"]);
    terminal.line(&["broken", "bad"]);
    terminal.shows("fail 1");
    terminal.shows("there is no map");
    terminal.press(&["2"]);
    terminal.line(&["broken-", "failed", "exit code 3"]);
}

#[test]
fn deliveries_wait_behind_a_run_and_a_pause_holds_them() {
    let project = Project::new();
    let terminal = project.start((80, 24));
    terminal.press(&["G"]);
    project.deliver(1);
    terminal.line(&["> deploy", "running", "1/1"]);
    project.deliver(2);
    project.deliver(3);
    terminal.shows("queue 2");
    terminal.press(&["3"]);
    terminal.shows("[3 Queues 2]");
    terminal.shows("Log deploy-");
    assert_snapshot!("queued", terminal.still("waiting for a slot"));

    terminal.press(&["1", "p"]);
    terminal.line(&["> deploy", "paused"]);
    terminal.press(&["3"]);
    terminal.line(&["deploy-", "held: "]);
    project.open_gate("deploy");
    terminal.shows("run 0/4");
    // What waits is held, not lost.
    terminal.shows("queue 2");

    terminal.press(&["1", "p"]);
    terminal.question("Resume deploy?");
    terminal.press(&["Tab", "Enter"]);
    terminal.shows("queue 0");
    terminal.shows("run 0/4");
    terminal.press(&["4"]);
    terminal.shows("Log deploy-");
    terminal.shows("run succeeded");
    assert_snapshot!("triggers", terminal.still("Triggers 3"));
}

#[test]
fn a_kill_asks_first_and_says_what_is_lost() {
    let project = Project::new();
    let terminal = project.start((80, 24));
    terminal.press(&["G"]);
    project.deliver(1);
    terminal.line(&["> deploy", "running"]);
    terminal.press(&["2"]);
    terminal.line(&["> deploy-", "built, "]);
    terminal.shows("step 2 of 3");
    terminal.press(&["X"]);
    assert_snapshot!("kill", terminal.still("Kill deploy-"));
    terminal.reverses("Cancel");
    terminal.question("Kill deploy-");
    terminal.press(&["Enter"]);
    terminal.hides("Kill deploy-");
    terminal.line(&["deploy-", "running"]);

    terminal.press(&["X"]);
    terminal.question("Kill deploy-");
    terminal.press(&["Tab", "Enter"]);
    terminal.line(&["deploy-", "killed"]);
    terminal.shows("killed by ada");
}

#[test]
fn a_run_that_ends_while_its_kill_is_asked_for_is_not_killed() {
    let project = Project::new();
    let terminal = project.start((80, 24));
    terminal.press(&["G"]);
    project.deliver(1);
    terminal.line(&["> deploy", "built, "]);
    terminal.press(&["2"]);
    terminal.line(&["> deploy-", "built, "]);
    terminal.press(&["X"]);
    terminal.question("Kill deploy-");
    project.open_gate("deploy");
    terminal.shows("run 0/4");
    terminal.press(&["Tab", "Enter"]);
    terminal.shows("Things have changed");
    terminal.press(&["Escape"]);
    terminal.line(&["deploy-", "succeeded"]);
}

/// What a run says of itself is no consequence of a kill: a talkative run can be killed.
#[test]
fn a_run_that_goes_on_talking_is_killed_at_the_first_answer() {
    let project = Project::new();
    project.agent("talker", &on("push"), TALKER);
    let terminal = project.start((80, 24));
    terminal.press(&["G", "s"]);
    terminal.run_form("talker");
    terminal.press(&["Enter"]);
    terminal.line(&["> talker", "running", "said 3"]);
    terminal.press(&["X"]);
    terminal.question("Kill talker-");
    terminal.press(&["Tab", "Enter"]);
    terminal.line(&["> talker", "idle", "kill"]);
}

#[test]
fn killing_several_runs_wants_a_word() {
    let project = Project::new();
    project.agent("twins", &format!("scale = 2\n{}", on("push")), DEPLOY);
    let terminal = project.start((80, 24));
    for _ in 0..2 {
        terminal.press(&[":"]);
        terminal.write("run twins");
        terminal.press(&["Enter"]);
        terminal.shows("accepted twins-");
    }
    terminal.press(&["G"]);
    terminal.line(&["> twins", "running", "2/2"]);
    terminal.press(&["X"]);
    terminal.question("Kill 2 runs?");
    terminal.write("kill 3");
    terminal.shows("> kill 3");
    terminal.press(&["Enter"]);
    // The wrong word does nothing: it can be mended.
    terminal.press(&["BSpace", "2"]);
    terminal.shows("> kill 2");
    terminal.shows("run 2/4");
    terminal.press(&["Enter"]);
    terminal.line(&["> twins", "idle", "0/2", "kill"]);
}

#[test]
fn a_pause_of_everything_asks_and_is_seen_everywhere() {
    let project = Project::new();
    let terminal = project.start((80, 24));
    terminal.press(&["P"]);
    terminal.question("Pause the whole scheduler?");
    terminal.press(&["Tab", "Enter"]);
    terminal.shows("PAUSED");
    project.deliver(1);
    terminal.shows("queue 1");
    terminal.press(&["3"]);
    terminal.line(&["deploy-", "held: "]);
    terminal.press(&["P"]);
    terminal.question("Resume the scheduler?");
    terminal.press(&["Tab", "Enter"]);
    terminal.shows("run 1/4");
    terminal.hides("PAUSED");
}

#[test]
fn what_others_do_is_seen_at_once_and_by_whom() {
    let project = Project::new();
    let terminal = project.start((80, 24));
    terminal.press(&["G"]);
    let paused = project.al(&["pause", "deploy"]);
    assert!(paused.status.success(), "{}", String::from_utf8_lossy(&paused.stderr));
    terminal.line(&["> deploy", "paused"]);
    project.deliver(1);
    terminal.press(&["3"]);
    terminal.line(&["deploy-", "held: the agent"]);
    terminal.press(&["i"]);
    terminal.shows("held: the agent was paused by bob");
    terminal.press(&["Escape"]);
    let resumed = project.al(&["resume", "deploy"]);
    assert!(resumed.status.success(), "{}", String::from_utf8_lossy(&resumed.stderr));
    terminal.shows("run 1/4");
    terminal.shows("nothing waits");
}

#[test]
fn a_schedule_fires_by_itself() {
    let project = Project::new();
    project.agent("pulse", "schedule = \"* * * * * *\"", "\necho beat\n");
    let terminal = project.start((80, 24));
    terminal.press(&["G"]);
    terminal.line(&["> pulse", "ok"]);
    terminal.shows("beat");
    terminal.press(&["4"]);
    terminal.line(&["schedule", "started", "-> pulse-"]);
}
