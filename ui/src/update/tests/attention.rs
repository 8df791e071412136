//! What needs a person: told once, counted, gone to.

use crate::fixture::{Desk, NOW_MS, run};
use crate::input::Out;
use crate::pane::Pane;
use crate::view::buffer;
use al_wire::*;

fn delta(desk: &mut Desk, puts: Vec<Row>) {
    let seq = desk.ui.fleet.seq + 1;
    desk.hear(Down::Delta(Delta { seq, at_ms: 0, puts }));
}

fn alerts(desk: &mut Desk, alerts: Vec<AlertRow>) {
    let host = HostRow { alerts, ..desk.ui.fleet.host.clone().unwrap() };
    delta(desk, vec![Row::Host(host)]);
}

fn broken_file() -> AlertRow {
    AlertRow {
        key: "config:config.toml".into(),
        at_ms: NOW_MS,
        agent: None,
        message: "not valid TOML; the project goes on as it was".into(),
        hint: Some("close the bracket".into()),
        file: Some("config.toml".into()),
        line: Some(4),
    }
}

fn asking() -> RunRow {
    RunRow {
        wait: Some(WaitRow {
            question: Some("Merge it?".into()),
            choices: vec!["yes".into(), "no".into()],
            since_ms: Some(NOW_MS - 90_000),
            until_ms: NOW_MS + 3_600_000,
        }),
        ..run("dev-000000b2", RunState::Waiting, 200)
    }
}

fn refused() -> TriggerRow {
    TriggerRow {
        outcome: Outcome::Refused,
        dead: Some("validation_failed".into()),
        source: "sentry".into(),
        times: 14,
        ..crate::fixture::snapshot().triggers.remove(2)
    }
}

/// A console with a question, a failed run, a refused webhook and a broken file.
fn busy(size: (u16, u16), theme: &str) -> Desk {
    let mut desk = Desk::at(size, theme);
    desk.ui.attention.bell = true;
    delta(&mut desk, vec![Row::Run(asking()), Row::Trigger(refused())]);
    alerts(&mut desk, vec![broken_file()]);
    desk
}

fn rung(desk: &mut Desk) -> Vec<String> {
    let out = std::mem::take(&mut desk.out);
    let notes = out.into_iter().filter_map(|out| match out {
        Out::Notify(text) => Some(text),
        _ => None,
    });
    notes.collect()
}

#[test]
fn what_is_new_rings_once_and_what_was_there_before_does_not() {
    let mut desk = Desk::new();
    desk.ui.attention.bell = true;
    desk.hear(Down::Snapshot(Box::new(crate::fixture::snapshot())));
    assert_eq!(rung(&mut desk), [""; 0], "the failure of release is older than the console");
    alerts(&mut desk, vec![broken_file()]);
    let said = "config.toml:4: not valid TOML; the project goes on as it was";
    assert_eq!(desk.last_row(), format!("! {said}; ! goes there"));
    assert_eq!(rung(&mut desk), [format!("al acme-bots: {said}")]);
    assert!(desk.row(0).contains("alerts 2"), "{}", desk.row(0));
    alerts(&mut desk, vec![broken_file()]);
    desk.wait(60_000);
    alerts(&mut desk, Vec::new());
    alerts(&mut desk, vec![broken_file()]);
    assert_eq!(rung(&mut desk), [""; 0], "it only went and came");
    alerts(&mut desk, Vec::new());
    desk.wait(11 * 60_000);
    alerts(&mut desk, vec![broken_file()]);
    assert_eq!(rung(&mut desk).len(), 1);
    delta(&mut desk, vec![Row::Run(asking()), Row::Trigger(refused())]);
    let both = ["al acme-bots: webhook sentry: bad signature x 14 (and 1 more)"];
    assert_eq!(rung(&mut desk), both);
    desk.ui.attention.bell = false;
    desk.wait(10_000);
    delta(&mut desk, vec![Row::Run(run("dev-000000b1", RunState::Failed, 20))]);
    assert_eq!(rung(&mut desk), [""; 0], "it is off");
    assert!(desk.last_row().starts_with("! dev failed"), "{}", desk.last_row());
}

#[test]
fn what_another_host_needs_is_not_new() {
    let mut desk = Desk::new();
    desk.ui.attention.bell = true;
    let mut other = crate::fixture::snapshot();
    other.host.environment = Some("vps1".into());
    other.runs.push(asking());
    desk.hear(Down::Snapshot(Box::new(other)));
    assert_eq!(rung(&mut desk), [""; 0]);
    delta(&mut desk, vec![Row::Trigger(refused())]);
    assert_eq!(rung(&mut desk).len(), 1);
}

#[test]
fn a_note_carries_no_escape_of_what_somebody_wrote() {
    let mut desk = Desk::new();
    desk.ui.attention.bell = true;
    let message = "bad\u{7}\u{1b}]52;c;aGk=\u{7}".to_owned();
    alerts(&mut desk, vec![AlertRow { message, ..broken_file() }]);
    let notes = rung(&mut desk);
    assert!(notes.iter().all(|note| !note.contains(char::is_control)), "{notes:?}");
}

#[test]
fn one_key_leads_from_anywhere_to_the_oldest_then_to_the_next() {
    let check = |keys: &str, expected: &str| {
        let mut desk = busy((80, 24), "terminal");
        desk.press(keys);
        assert_eq!((desk.ui.focus(), desk.selected()), (Pane::Alerts, expected), "{keys}");
    };
    check("!", "failed:release-0000000f");
    check("5 !", "failed:release-0000000f");
    check("! !", "asks:dev-000000b2:1767272683000");
    check("! ! !", "refused:sentry:validation_failed");
    check("! ! ! ! !", "failed:release-0000000f");
    check("6 j !", "refused:sentry:validation_failed");
    check("g ! G", "config:config.toml");
    check(": 'alerts' Enter", "failed:release-0000000f");
    let mut desk = busy((80, 24), "terminal");
    let mended =
        AgentRow { last: None, ..crate::fixture::agent("release", AgentState::Idle, 0, 0) };
    let success = run("release-000000ff", RunState::Succeeded, 30);
    delta(&mut desk, vec![Row::Agent(mended), Row::Run(success)]);
    desk.press("!");
    assert_eq!(desk.selected(), "asks:dev-000000b2:1767272683000", "a success clears a failure");
}

#[test]
fn nothing_to_do_is_said() {
    let mut desk = Desk::fresh((80, 24), "terminal");
    desk.press("!");
    assert_eq!((desk.ui.focus(), &*desk.last_row()), (Pane::Agents, "nothing needs you"));
}

#[test]
fn enter_goes_to_the_thing_and_its_keys_work_from_here() {
    let check = |keys: &str, focus: Pane, selected: &str| {
        let mut desk = busy((80, 24), "terminal");
        desk.press(keys);
        assert_eq!((desk.ui.focus(), desk.selected()), (focus, selected), "{keys}");
    };
    check("! Enter", Pane::Runs, "release-0000000f");
    check("2 / 'dev' Enter ! Enter", Pane::Runs, "release-0000000f");
    check("! ! Enter", Pane::Runs, "dev-000000b2");
    check("! ! ! Enter", Pane::Triggers, "t1");
    check("! ! ! Enter Esc", Pane::Alerts, "refused:sentry:validation_failed");
    let intent = |keys: &str, expected: &[Command]| {
        let mut desk = busy((80, 24), "terminal");
        desk.out.clear();
        desk.press(keys);
        assert_eq!(desk.commands(), expected, "{keys}");
    };
    let answer = Command::Answer { run: "dev-000000b2".into(), text: "yes".into() };
    intent("! ! A Tab Enter", &[answer]);
    intent("! R", &[Command::Rerun { run: "release-0000000f".into() }]);
    intent("! A", &[]);
    intent("! p", &[Command::pause(Scope::Agent("release".into()))]);
    let mut desk = busy((80, 24), "terminal");
    desk.press("! G Enter");
    assert!(desk.screen().contains("close the bracket"), "{}", desk.screen());
}

#[test]
fn alerts_are_listed_with_age_kind_and_what_to_do() {
    let check = |name: &str, size: (u16, u16), theme: &str| {
        let mut desk = busy(size, theme);
        desk.press("!");
        insta::assert_snapshot!(name, crate::fixture::styled(&buffer(&desk.ui)));
    };
    check("alerts_80x24", (80, 24), "terminal");
    check("alerts_mono_60x12", (60, 12), "mono");
    check("alerts_120x40", (120, 40), "terminal");
}
