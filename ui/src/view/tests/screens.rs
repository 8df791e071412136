//! What holds on every screen, whatever panes and actions there are.

use crate::action::ACTIONS;
use crate::fixture::{Desk, NOW_MS, run, snapshot, styled};
use crate::input::Input;
use crate::pane::Pane;
use crate::update::update;
use crate::view::buffer;
use al_wire::{Delta, Down, Row, RunState, Snapshot};
use proptest::prelude::*;

/// The sizes of the layouts, some between, and a large one.
const SIZES: [(u16, u16); 7] =
    [(60, 12), (61, 15), (80, 24), (99, 19), (120, 40), (160, 18), (300, 90)];

/// The pane with the focus is seen, and the last line says what can be done.
fn stands(desk: &Desk, what: &str) {
    let screen = desk.screen();
    let last = desk.last_row();
    assert!(!last.trim().is_empty(), "no hint: {what} {:?}\n{screen}", desk.ui.size);
    assert!(!last.contains(['│', '║', '═']), "{what} {:?}\n{screen}", desk.ui.size);
    assert!(screen.contains('╔'), "no focus: {what} {:?}\n{screen}", desk.ui.size);
}

fn in_pane(pane: Pane) -> Desk {
    let mut desk = Desk::new();
    let go = ACTIONS.iter().find(|entry| entry.action == crate::action::Action::Go(pane));
    desk.press(go.unwrap().keys[0]);
    assert_eq!(desk.ui.focus(), pane);
    desk
}

#[test]
fn every_action_in_every_pane_leaves_a_whole_screen_at_any_size() {
    let mut sizes = SIZES.iter().cycle();
    for pane in Pane::every() {
        for entry in ACTIONS.iter().filter(|entry| entry.context.holds(pane)) {
            let Some(keys) = entry.keys.first() else { continue };
            let mut desk = in_pane(pane);
            desk.press(keys);
            for (width, height) in sizes.by_ref().take(2) {
                desk.give(Input::Resize(*width, *height));
                stands(&desk, &format!("{} in {}", entry.id, pane.title()));
            }
        }
    }
}

#[test]
fn no_pane_minds_any_size() {
    for pane in Pane::every() {
        let mut desk = in_pane(pane);
        let small = (1..=60).step_by(7).flat_map(|w| (1..=20).step_by(3).map(move |h| (w, h)));
        let just_enough = (60..=63).flat_map(|w| (12..=20).map(move |h| (w, h)));
        let odd = [(0, 0), (1, 65_535), (65_535, 1), (500, 120)];
        for (width, height) in small.chain(just_enough).chain(odd) {
            desk.give(Input::Resize(width, height));
            buffer(&desk.ui);
            if width >= 60 && height >= 12 {
                stands(&desk, pane.title());
            }
        }
    }
}

#[test]
fn pictures_are_read_in_every_theme_and_without_more_than_ascii() {
    let check = |name: &str, keys: &str, size: (u16, u16), theme: &str, ascii: bool| {
        let mut desk = Desk::at(size, theme);
        if ascii {
            desk.ui.theme.glyphs = crate::theme::Glyphs::ascii();
        }
        desk.press(keys);
        let screen = styled(&buffer(&desk.ui));
        assert!(!ascii || desk.screen().is_ascii(), "{}", desk.screen());
        insta::assert_snapshot!(format!("picture_{name}"), screen);
    };
    check("stats_80x24", "g s", (80, 24), "terminal", false);
    check("stats_200x60_mono", "g s j", (200, 60), "mono", false);
    check("timeline_80x24", "T > h h h", (80, 24), "terminal", false);
    check("timeline_60x12_mono_ascii", "T", (60, 12), "mono", true);
    check("timeline_120x40", "T", (120, 40), "terminal", false);
}

/// Something that happened: to a run or an agent with a number.
fn change() -> impl Strategy<Value = (u8, u8)> {
    (0..8_u8, 0..6_u8)
}

/// The row that says so. Ends come after starts, as they do at a host.
fn row(before: &Snapshot, (what, number): (u8, u8)) -> Row {
    use RunState::{Failed, Killed, Queued, Running, Succeeded, Waiting};
    let states = [Queued, Running, Waiting, Succeeded, Failed, Killed];
    match states.get(usize::from(what)) {
        Some(state) => {
            Row::Run(run(&format!("dev-000000f{number}"), *state, 100 + i64::from(number)))
        }
        None if what == 6 => {
            let mut agent = before.agents[usize::from(number) % before.agents.len()].clone();
            agent.queued += 1;
            agent.status_text = Some(format!("step {number}"));
            Row::Agent(agent)
        }
        None => {
            let mut trigger = before.triggers[0].clone();
            trigger.id = format!("n{number}");
            trigger.at_ms = NOW_MS - i64::from(number);
            Row::Trigger(trigger)
        }
    }
}

/// What a host would say that starts over.
fn told_anew(mut all: Snapshot, row: Row) -> Snapshot {
    match row {
        Row::Run(run) => match all.runs.iter_mut().find(|known| known.id == run.id) {
            Some(known) => *known = run,
            None => all.runs.insert(0, run),
        },
        Row::Agent(agent) => {
            let known = all.agents.iter_mut().find(|known| known.name == agent.name);
            *known.unwrap() = agent;
        }
        Row::Trigger(trigger) => {
            match all.triggers.iter_mut().find(|known| known.id == trigger.id) {
                Some(known) => *known = trigger,
                None => all.triggers.insert(0, trigger),
            }
        }
        _ => {}
    }
    all.seq += 1;
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn a_snapshot_with_what_changed_shows_what_the_last_snapshot_shows(
        changes in proptest::collection::vec(change(), 1..12),
        pane in 0..8_usize,
        wide: bool,
    ) {
        let panes: Vec<Pane> = Pane::every().collect();
        let pane = panes[pane % panes.len()];
        let mut step_by_step = in_pane(pane);
        let mut at_once = in_pane(pane);
        let mut last = snapshot();
        for change in changes {
            let row = row(&last, change);
            last = told_anew(last, row.clone());
            let delta = Delta { seq: last.seq, at_ms: 0, puts: vec![row] };
            update(&mut step_by_step.ui, step_by_step.now_ms, Input::Down(Down::Delta(delta)));
        }
        at_once.hear(Down::Snapshot(Box::new(last)));
        for desk in [&mut step_by_step, &mut at_once] {
            if wide {
                desk.give(Input::Resize(200, 60));
            }
            // What was said about single changes is gone by then.
            desk.press("Esc").wait(60_000).wait(60_000);
        }
        prop_assert_eq!(step_by_step.screen(), at_once.screen());
    }
}
