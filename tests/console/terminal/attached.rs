//! The same console over the gateway.

use rustix::process::Signal;

use crate::project::Project;
use crate::tmux::Terminal;

/// A scheduler in one terminal, and a console that is attached to it in another.
fn attach(project: &Project, words: &str) -> (Terminal, Terminal) {
    let host = headless(project);
    let console = project.terminal((100, 24), "", &format!("attach {words}"));
    console.shows("[1 Agents]");
    console.shows("gateway http");
    (host, console)
}

fn headless(project: &Project) -> Terminal {
    let host = project.terminal((100, 24), "", "start -H --port 0");
    host.shows("3 agents, gateway http");
    project.await_gateway();
    host
}

#[test]
fn an_attached_console_shows_and_steers_what_runs_and_leaving_it_ends_nothing() {
    let project = Project::new();
    let (_host, console) = attach(&project, "");
    console.shows("REMOTE");
    console.press(&["G"]);
    console.shows("Log deploy");
    console.press(&["s"]);
    console.run_form("deploy");
    console.press(&["Enter"]);
    console.line(&["deploy", "running", "1/1"]);
    console.shows("step 2 of 3: build");
    console.press(&["X"]);
    console.question("Kill");
    console.press(&["Escape"]);
    console.hides("Cancel");
    console.press(&["q"]);
    console.shows("detached; the scheduler goes on");
    console.is_restored();
    project.deliver(1);
    let queued = project.al(&["stat", "deploy"]);
    assert!(String::from_utf8_lossy(&queued.stdout).contains("running"), "{queued:?}");
}

#[test]
fn a_connection_that_breaks_is_made_again() {
    let project = Project::new();
    let host = headless(&project);
    let port = project.port();
    let console = project.terminal((100, 24), "", "attach");
    console.shows("gateway http");
    project.deliver(1);
    console.line(&["deploy", "running"]);
    let pid = project.pid();
    project.signal(Signal::KILL);
    Project::await_end(pid);
    console.line(&["REMOTE", "LOST"]);
    drop(host);
    let _host = project.terminal((100, 24), "", &format!("start -H --port {port}"));
    console.shows("the connection is back");
    console.hides("LOST");
    console.press(&["G"]);
    console.shows("step 2 of 3: build");
    project.open_gate("deploy");
    console.line(&["deploy", "ok"]);
}

#[test]
fn a_key_that_was_replaced_on_this_machine_is_taken_up() {
    let project = Project::new();
    let (_host, console) = attach(&project, "");
    assert!(project.al(&["doctor", "--rotate-key"]).status.success());
    // What comes next no longer goes to a console with the old key.
    assert!(project.al(&["pause", "deploy"]).status.success());
    console.shows("the connection is back");
    console.hides("LOST");
    console.line(&["deploy", "paused"]);
}

#[test]
fn read_only_looks_and_changes_nothing() {
    let project = Project::new();
    let (_host, console) = attach(&project, "--read-only");
    console.shows("READ-ONLY");
    console.press(&["p"]);
    console.shows("read-only: this console changes nothing");
}

#[test]
fn who_cannot_be_attached_to_is_told_before_the_console_opens() {
    let project = Project::new();
    let said = |words: &[&str]| {
        let output = project.al(words);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code(), said.lines().next().unwrap_or_default().to_owned())
    };
    let nobody = "error: the scheduler does not answer at http://127.0.0.1:9".to_owned();
    assert_eq!(said(&["attach", "http://127.0.0.1:9"]), (Some(4), nobody));
    let not_running = "error: the scheduler is not running".to_owned();
    assert_eq!(said(&["attach"]), (Some(4), not_running));
    let no_url =
        "error: \"ftp://there\" is not a URL to call: it must start with http:// or https://";
    assert_eq!(said(&["attach", "ftp://there"]), (Some(2), no_url.to_owned()));
}

/// Not even where one runs on this machine.
#[test]
fn who_names_an_environment_is_led_to_no_other_scheduler() {
    let (here, there) = (Project::new(), Project::new());
    let (_host, _other) = (headless(&here), headless(&there));
    here.environment("broken", "ftp://there", None);
    here.environment("far", &format!("http://127.0.0.1:{}", there.port()), Some(&there.key()));
    here.bare_environment("unsaid");
    let missing = "environment `nosuch` (-E) does not exist";
    let unsaid = "the scheduler that runs here is not that of the environment `unsaid`";
    let far = "what the environment `far` did is kept at http://127.0.0.1:";
    for (words, why) in [
        (&["attach", "-E", "nosuch"][..], missing),
        (&["pause", "deploy", "-E", "nosuch"], missing),
        (&["runs", "-E", "nosuch"], missing),
        (&["attach", "-E", "../home"], "the name `../home` of the environment"),
        (&["attach", "-E", "broken"], "is not a URL to call"),
        (&["pause", "deploy", "-E", "broken"], "is not a URL to call"),
        (&["attach", "-E", "unsaid"], unsaid),
        (&["pause", "deploy", "-E", "unsaid"], unsaid),
        (&["runs", "-E", "far"], far),
        (&["logs", "deploy", "-E", "far"], far),
        (&["audit", "-E", "far"], far),
    ] {
        let output = here.al(words);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains(why), "{words:?}: {said}");
    }
    let paused = here.al(&["pause", "deploy", "-E", "far"]);
    assert!(paused.status.success(), "{paused:?}");
    let state = |project: &Project, words: &[&str]| {
        String::from_utf8(project.al(words).stdout).unwrap().contains("paused")
    };
    assert!(!state(&here, &["stat", "deploy"]), "the one that runs here goes on");
    assert!(state(&there, &["stat", "deploy"]) && state(&here, &["stat", "-E", "far"]));
}

/// An environment leads to a scheduler, whose key may be its own; `:ctx` turns from one to the next.
#[test]
fn a_console_turns_to_the_scheduler_of_another_environment() {
    let (here, there) = (Project::new(), Project::new());
    let (_host, _other) = (headless(&here), headless(&there));
    there.deliver(1);
    let url = format!("http://127.0.0.1:{}", there.port());
    here.environment("vps1", &url, Some(&there.key()));
    here.environment("gone", "http://127.0.0.1:9", None);
    here.environment("locked", &url, None);
    let console = here.terminal((120, 24), "", "attach");
    console.shows("gateway http");
    console.press(&["G"]);
    console.line(&["> deploy", "idle"]);
    let turn = |name: &str| {
        console.press(&[":"]);
        console.write(&format!("ctx {name}"));
        console.press(&["Enter"]);
    };
    turn("gone");
    console.shows("gone: ");
    console.line(&["> deploy", "idle"]);
    turn("locked");
    console.shows("locked: the API key is refused");
    turn("vps1");
    console.line(&["REMOTE vps1", "run 1/4"]);
    console.shows("turned to vps1");
    console.press(&["G"]);
    console.line(&["> deploy", "running"]);
    console.shows("step 2 of 3: build");
    drop(console);
    let console = here.terminal((120, 24), "", "attach -E vps1");
    console.line(&["REMOTE", "run 1/4"]);
}
