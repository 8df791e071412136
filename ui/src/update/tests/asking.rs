//! Keys and prompt lines, and what they ask of the scheduler.

use crate::fixture::Desk;
use crate::input::{Input, Out};
use al_wire::*;

/// Keys, and the commands they ask the scheduler for.
fn check(keys: &str, expected: &[Command]) {
    let mut desk = Desk::new();
    desk.press(keys);
    assert_eq!(desk.commands(), expected, "{keys}");
}

fn kill(run: &str) -> Command {
    Command::kill(Target::Run(run.into()))
}

fn start(agent: &str, prompt: Option<&str>) -> Command {
    Command::run(agent, prompt.map(Into::into))
}

fn pause(agent: &str) -> Command {
    Command::pause(Scope::Agent(agent.into()))
}

fn resume(agent: &str, drop_held: bool) -> Command {
    Command::Resume { scope: Scope::Agent(agent.into()), drop_held }
}

#[test]
fn keys_ask_the_scheduler() {
    check("p", &[pause("dev")]);
    check("P", &[Command::pause(Scope::Project)]);
    check("X", &[Command::kill(Target::Agent("dev".into()))]);
    check("2 X", &[kill("dev-000000b2")]);
    check("2 p", &[pause("dev")]);
    check("D", &[Command::Drop { runs: vec!["dev-000000c2".into(), "dev-000000c1".into()] }]);
    check("3 D", &[Command::Drop { runs: vec!["dev-000000c1".into()] }]);
    check("j j j j R", &[Command::Rerun { run: "release-0000000f".into() }]);
    check("4 R", &[Command::Replay { receipt: "t3".into() }]);
    check("2 e R", &[Command::Rerun { run: "release-0000000f".into() }]);
    check("+ + Enter", &[Command::Scale { agent: "dev".into(), scale: 4 }]);
    check("- Enter", &[Command::Scale { agent: "dev".into(), scale: 1 }]);
    check("+ - Enter", &[]);
    check("+ Esc Enter", &[]);
    check("+ j Enter", &[]);
    check("s Enter", &[start("dev", None)]);
    check("s 'fix it' Enter", &[start("dev", Some("fix it"))]);
    check("s Esc", &[]);
    check("s S-Tab Enter", &[start("dev", None)]);
    check("s Esc", &[]);
}

#[test]
fn keys_that_would_do_nothing_say_why() {
    let check = |keys: &str, expected: &str| {
        let mut desk = Desk::new();
        desk.press(keys);
        assert_eq!((desk.last_row().as_str(), desk.commands()), (expected, vec![]), "{keys}");
    };
    check("j X", "! docs has no run in flight");
    check("j j D", "! oncall has nothing queued");
    check("j j R", "! oncall has not run yet");
    check("2 R", "! dev-000000b2 has not ended yet");
    check("2 e X", "! release-0000000f already ended");
    check("3 X", "! dev-000000c1 has not started; D drops it");
    check("4 j D", "! this firing led to no run");
    check("[", "! nothing further back");
    check("5 n", "! search with / first");
    check("2 e b", "! release-0000000f already ended");
    check("3 b", "! dev-000000c1 has not started");
}

#[test]
fn a_shell_opens_where_a_run_is_unless_that_is_another_machine() {
    let mut desk = Desk::new();
    desk.press("2 b");
    assert!(desk.out.contains(&Out::Shell("dev-000000b2".into())), "{:?}", desk.out);
    desk.ui.setup.remote = true;
    desk.press("b");
    assert_eq!(desk.last_row(), "! a shell can be had only where the scheduler runs");
}

#[test]
fn commands_of_the_prompt_ask_the_scheduler() {
    check(": 'kill dev' Enter", &[Command::kill(Target::Agent("dev".into()))]);
    check(": 'kill 000000b1' Enter", &[kill("dev-000000b1")]);
    check(": 'run dev \"fix the flaky test\"' Enter", &[start("dev", Some("fix the flaky test"))]);
    check(": 'pause all' Enter", &[Command::pause(Scope::Project)]);
    check(": 'resume release' Enter", &[resume("release", false)]);
    check(": 'rerun release-0000000f' Enter", &[Command::Rerun { run: "release-0000000f".into() }]);
    check(": 'drop docs-000000d1' Enter", &[Command::Drop { runs: vec!["docs-000000d1".into()] }]);
    let drop = |runs: &[&str]| Command::Drop { runs: runs.iter().map(|r| (*r).into()).collect() };
    check(": 'drop dev' Enter", &[drop(&["dev-000000c2", "dev-000000c1"])]);
    check(": 'drop agent=docs' Enter", &[drop(&["docs-000000d1"])]);
    check(": 'drop age>2h' Enter", &[drop(&["docs-000000d1"])]);
    check(": 'drop dev age>2h' Enter", &[]);
    let live = ["dev-000000b2", "dev-000000b1", "reviewer-of-everything-in-eu-west-000000e1"];
    let live = live.map(str::to_owned).to_vec();
    check(": 'kill all' Enter", &[Command::kill(Target::Runs(live))]);
    let because = Command::pause_because(Scope::Agent("dev".into()), Some("for a deploy".into()));
    check(": 'pause dev for a deploy' Enter", &[because]);
    check(": 'replay t3' Enter", &[Command::Replay { receipt: "t3".into() }]);
    check(": 'unlock db:main' Enter", &[Command::Unlock { key: "db:main".into() }]);
    check(": 'scale dev 3' Enter", &[Command::Scale { agent: "dev".into(), scale: 3 }]);
    check(": 'ki' Tab 'dev' Enter", &[Command::kill(Target::Agent("dev".into()))]);
    check(": 'pau' Right ' dev' Enter Enter", &[pause("dev")]);
    check(": 'pause dev' Enter : Up Enter", &[pause("dev"), pause("dev")]);
}

#[test]
fn a_wrong_command_keeps_its_text() {
    let mut desk = Desk::new();
    desk.press(": 'kil dev' Enter");
    assert_eq!(desk.row(22), ":kil dev");
    assert_eq!(desk.last_row(), "! no command called `kil`, did you mean `kill`?");
    assert_eq!(desk.press("Esc").commands(), []);
}

#[test]
fn resuming_asks_what_becomes_of_the_runs_that_were_collected() {
    check("j p Enter", &[]);
    check("j p Tab Enter", &[resume("docs", false)]);
    check("j p Tab Tab Enter", &[resume("docs", true)]);
}

#[test]
fn read_only_changes_nothing() {
    for keys in ["X", "p", "s", "+", "D", "R", "P", "4 R", ": 'kill dev' Enter"] {
        let mut desk = Desk::new();
        desk.ui.setup.read_only = true;
        desk.press(keys);
        assert_eq!(desk.commands(), [], "{keys}");
        assert!(desk.last_row().contains("read-only"), "{keys}");
        let help = desk.press("Esc ? / 'kill'").screen();
        assert!(!help.contains("kill the run") && !help.contains(":kill"), "{help}");
    }
}

#[test]
fn pasted_text_is_never_taken_for_keys() {
    let mut desk = Desk::new();
    desk.give(Input::Paste("XqyP".into()));
    assert_eq!((desk.commands(), desk.ui.dialog.is_some()), (vec![], false));
    desk.press(":").give(Input::Paste("kill\ndev".into()));
    assert_eq!(desk.row(22), ":kill dev");
}

#[test]
fn copies_go_out_as_text() {
    let check = |keys: &str, expected: &str| {
        let mut desk = Desk::new();
        desk.press(keys);
        assert_eq!(desk.out.pop(), Some(Out::Copy(expected.into())), "{keys}");
    };
    check("2 y i", "dev-000000b2");
    check("y c", "al logs dev");
    check("5 k k y y", "tool bash cargo test -p al-core, step 37");
    let at = "http://127.0.0.1:8080";
    check("y l", &format!("{at}/api/dashboard/agents/dev"));
    check("2 y l", &format!("{at}/api/dashboard/agents/dev/instances/dev-000000b2"));
    check("5 y l", &format!("{at}/api/logs/agents/dev"));
    let mut desk = Desk::new();
    let url = Some("https://al.acme.dev/".to_owned());
    desk.hear(Down::Link(Link::Open { round_trip_ms: 3, url })).press("4 y l");
    let Some(Out::Copy(link)) = desk.out.pop() else { panic!("{}", desk.last_row()) };
    assert!(link.starts_with("https://al.acme.dev/control/triggers/"), "{link}");
    let mut desk = Desk::new();
    desk.ui.fleet.host.as_mut().unwrap().gateway = None;
    desk.press("y l");
    assert_eq!(desk.last_row(), "! there is no gateway for a link to lead to");
}

#[test]
fn a_run_is_started_with_all_that_can_be_said_of_it() {
    let run = |how: RunHow, prompt: Option<&str>| {
        let prompt = prompt.map(Into::into);
        Command::Run { agent: "dev".into(), prompt, how }
    };
    check("s Enter", &[start("dev", None)]);
    check("s 'fix it' Enter", &[start("dev", Some("fix it"))]);
    check("s S-Tab End Backspace 'x' Enter", &[]);
    check(
        "s Tab Tab Right Right Right Enter",
        &[run(RunHow { priority: Some(Priority::High), ..RunHow::default() }, None)],
    );
    let params = [("branch".to_owned(), "main".to_owned())].into();
    check(
        "s Tab 'branch=main' S-Tab 'go' Enter",
        &[run(RunHow { params, ..RunHow::default() }, Some("go"))],
    );
    check("s Tab Tab Tab 'soon' Enter Esc", &[]);
    check("s Tab Tab Tab Tab Enter", &[]);
    check("s Tab Tab Tab Tab Tab Enter", &[start("dev", None)]);
    let mut desk = Desk::new();
    desk.press("s Tab Tab Tab 'soon' Enter");
    assert!(desk.screen().contains("! `soon` is no time"), "{}", desk.screen());
    desk.press("Esc s 'dig' Tab 'a=b'");
    insta::assert_snapshot!("run_form", crate::fixture::styled(&crate::view::buffer(&desk.ui)));
    let mut desk = Desk::at((60, 12), "mono");
    desk.press("s 'dig'");
    insta::assert_snapshot!(
        "run_form_60x12",
        crate::fixture::styled(&crate::view::buffer(&desk.ui))
    );
}

#[test]
fn a_question_about_what_is_over_says_so() {
    let mut desk = Desk::new();
    desk.press("2 X");
    let confirm = crate::view::tests::confirm(Level::Loses);
    desk.hear(Down::Reply { id: 1, reply: Reply::NeedsConfirm(confirm) });
    desk.out.clear();
    let ended = RunRow {
        why: "a slot was free".into(),
        ..crate::fixture::run("dev-000000b2", RunState::Succeeded, 52)
    };
    desk.hear(Down::Delta(Delta { seq: 42, at_ms: 0, puts: vec![Row::Run(ended)] }));
    let screen = desk.screen();
    assert!(screen.contains("dev-000000b2 ended meanwhile: succeeded"), "{screen}");
    assert!(screen.contains("Things have changed"), "{screen}");
    desk.press("Tab Enter");
    assert_eq!(desk.commands(), []);
}

#[test]
fn the_line_for_the_shell_is_copied_from_a_question() {
    let mut desk = Desk::new();
    desk.press("2 X");
    let confirm = crate::view::tests::confirm(Level::Loses);
    let cli = confirm.cli.clone();
    desk.hear(Down::Reply { id: 1, reply: Reply::NeedsConfirm(confirm) });
    desk.press("y c");
    assert_eq!(desk.out.pop(), Some(Out::Copy(cli)));
    assert!(desk.ui.dialog.is_some());
}

#[test]
fn rows_are_written_to_a_new_file_one_in_a_line() {
    let mut desk = Desk::new();
    desk.press("/ 'rel' Enter W Enter");
    let Some(Out::Write { file, text }) = desk.out.pop() else { panic!() };
    assert!(file.starts_with("agents-20260101") && file.ends_with(".ndjson"), "{file}");
    let rows: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let names: Vec<&str> = rows.iter().map(|row| row["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["release"]);
}
