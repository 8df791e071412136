//! Runs: started, watched, queued behind, paused, killed and run again.

use insta::assert_snapshot;

use crate::project::Project;

#[test]
fn a_run_is_started_watched_and_ends_with_its_value() {
    let project = Project::new();
    let terminal = project.start((80, 24));
    terminal.press(&["G"]);
    terminal.shows("Log deploy");
    terminal.press(&["s"]);
    terminal.shows("Start a run of deploy?");
    terminal.write("to production");
    assert_snapshot!("start", terminal.still("> to production"));
    terminal.press(&["Enter"]);

    terminal.line(&["deploy", "running", "1/1", "built, waits for the gate"]);
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

    // The same trigger once more, with the same prompt.
    project.close_gate("deploy");
    terminal.press(&["R"]);
    terminal.question("Rerun deploy-");
    terminal.press(&["y"]);
    terminal.shows("Runs 2");
    terminal.line(&["deploy-", "running", "manual by ada"]);
}

#[test]
fn a_failed_run_says_how_it_ended() {
    let project = Project::new();
    let terminal = project.start((80, 24));
    terminal.press(&["s"]);
    terminal.question("Start a run of broken?");
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
fn a_schedule_fires_by_itself() {
    let project = Project::new();
    project.agent("pulse", "schedule = \"* * * * * *\"", "\necho beat\n");
    let terminal = project.start((80, 24));
    terminal.press(&["G"]);
    terminal.line(&["> pulse", "ok"]);
    terminal.shows("beat");
    terminal.press(&["4"]);
    terminal.line(&["schedule", "accepted", "-> pulse-"]);
}
