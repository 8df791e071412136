//! Marks, order and columns of tables.

use super::mouse;
use crate::fixture::{Desk, agent, run, styled};
use crate::input::Input;
use crate::pane::Pane;
use crate::view::buffer;
use al_wire::*;
use crossterm::event::{MouseButton, MouseEventKind};
use proptest::prelude::*;

fn runs(ids: &[&str]) -> Vec<String> {
    ids.iter().map(|id| (*id).to_owned()).collect()
}

#[test]
fn marks_widen_what_is_asked_for() {
    let check = |keys: &str, expected: &[Command]| {
        let mut desk = Desk::new();
        desk.press(keys);
        assert_eq!(desk.commands(), expected, "{keys}");
    };
    let kill = |ids: &[&str]| Command::kill(Target::Runs(runs(ids)));
    let drop = |ids: &[&str]| Command::Drop { runs: runs(ids) };
    check(
        "2 Space Space X",
        &[kill(&["dev-000000b2", "reviewer-of-everything-in-eu-west-000000e1"])],
    );
    check(
        "2 V j j X",
        &[kill(&["dev-000000b2", "reviewer-of-everything-in-eu-west-000000e1", "dev-000000b1"])],
    );
    check(
        "2 V j V j j X",
        &[kill(&["dev-000000b2", "reviewer-of-everything-in-eu-west-000000e1"])],
    );
    check("3 * D", &[drop(&["dev-000000c1", "dev-000000c2", "docs-000000d1"])]);
    check("3 / 'agent=dev' Enter * D", &[drop(&["dev-000000c1", "dev-000000c2"])]);
    check("2 * D", &[drop(&["dev-000000c2", "dev-000000c1", "docs-000000d1"])]);
    check("Space Space D", &[drop(&["dev-000000c2", "dev-000000c1", "docs-000000d1"])]);
    check(
        "Space j Space p",
        &[
            Command::pause(Scope::Agent("dev".into())),
            Command::pause(Scope::Agent("oncall".into())),
        ],
    );
    check("2 * * X", &[Command::kill(Target::Run("dev-000000b2".into()))]);
    check("2 Space Space Esc X", &[Command::kill(Target::Run("dev-000000b1".into()))]);
    check(
        "2 Space k Space X",
        &[Command::kill(Target::Run("reviewer-of-everything-in-eu-west-000000e1".into()))],
    );
}

#[test]
fn one_question_is_enough_for_many_small_ones() {
    let mut desk = Desk::new();
    desk.press("2 G Space k Space R");
    assert_eq!(desk.commands(), [], "it asks first");
    assert!(desk.screen().contains("Rerun 2 runs?"), "{}", desk.screen());
    desk.press("y");
    let rerun = |run: &str| Command::Rerun { run: run.into() };
    let both = [rerun("release-0000000f"), rerun("planner-0000000f")];
    assert_eq!(desk.commands(), both);
    let confirm = crate::view::tests::confirm(Level::Small);
    desk.hear(Down::Reply { id: 1, reply: Reply::NeedsConfirm(confirm.clone()) });
    let token = Some(confirm.token.clone());
    let again = Up::Submit { id: 3, seen: 41, command: both[0].clone(), token };
    assert_eq!(desk.sent(), [again]);
    let wider = Confirm { level: Level::Loses, ..confirm };
    desk.hear(Down::Reply { id: 2, reply: Reply::NeedsConfirm(wider) });
    assert!(desk.ui.dialog.is_some(), "what loses work is a question of its own");
}

#[test]
fn many_need_their_word() {
    let mut desk = Desk::new();
    let puts = (0..30).map(|n| Row::Run(run(&format!("dev-{n:08x}"), RunState::Failed, 700 + n)));
    desk.hear(Down::Delta(Delta { seq: 42, at_ms: 0, puts: puts.collect() }));
    desk.press("2 / 'dev state=failed' Enter * R y Enter");
    assert_eq!(desk.commands(), []);
    desk.press("Backspace 'rerun 30' Enter");
    assert_eq!(desk.commands().len(), 30);
    assert!(!desk.ui.table(Pane::Runs).choice.has_marks());
}

#[test]
fn what_is_not_seen_is_not_marked() {
    let mut desk = Desk::new();
    desk.press("2 * / 'state=failed' Enter");
    assert!(desk.screen().contains("1 marked"), "{}", desk.screen());
    desk.press("Esc");
    assert!(!desk.screen().contains("marked"), "{}", desk.screen());
    assert!(desk.screen().contains("/state=failed"), "marks go before the filter");
    desk.press("6 Space");
    assert_eq!(desk.last_row(), "! alerts are not marked; each is about something else");
}

#[test]
fn rows_are_sorted_by_a_column_and_back() {
    let order = |keys: &str| {
        let mut desk = Desk::new();
        desk.press(keys);
        let table = desk.ui.table(Pane::Agents);
        let names = table.shown.iter().map(|i| desk.ui.fleet.agents[*i].name[..3].to_owned());
        names.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(order("S j j Enter"), "dev rev doc onc pla rel");
    assert_eq!(order("S j j Space Space Esc"), "rel pla onc doc rev dev");
    assert_eq!(
        order("S j j j j Enter"),
        "pla dev doc onc rel rev",
        "what is not known stands last"
    );
    assert_eq!(order("S j Enter S 0"), "dev doc onc pla rel rev");
    let mut desk = Desk::new();
    desk.press("j S j j Enter");
    assert_eq!(desk.selected(), "docs", "the selection stays on its row");
    assert!(desk.screen().contains("sort run"), "{}", desk.screen());
    let click = MouseEventKind::Down(MouseButton::Left);
    mouse(&mut desk, click, 5, 3);
    assert!(desk.screen().contains("sort agent"), "{}", desk.screen());
    mouse(&mut desk, click, 5, 3);
    assert!(desk.screen().contains("sort agent reversed"), "{}", desk.screen());
}

#[test]
fn columns_are_chosen_moved_and_widened() {
    let titles = |keys: &str| {
        let mut desk = Desk::new();
        desk.press(keys);
        desk.row(3).split_whitespace().skip(1).map(str::to_owned).collect::<Vec<_>>().join(" ")
    };
    let titles = |keys: &str| titles(keys).trim_end_matches([' ', '\u{2551}']).to_owned();
    assert_eq!(titles("z"), "AGENT STATE RUN Q NEXT LAST STATUS");
    assert_eq!(titles("C j j Space Space Esc"), "AGENT STATE NEXT LAST HOUR STATUS");
    assert_eq!(titles("C Space Esc"), "AGENT STATE RUN Q NEXT LAST STATUS", "names never vanish");
    assert_eq!(titles("C j j j j l l l Esc"), "AGENT STATE RUN Q LAST STATUS NEXT");
    assert_eq!(titles("C j j Space 0 Esc"), "AGENT STATE RUN Q NEXT LAST STATUS");
    let mut desk = Desk::new();
    assert!(!desk.screen().contains("reviewer-of-everything-in-eu-west"));
    desk.press("w");
    assert!(desk.screen().contains("reviewer-of-everything-in-eu-west"), "{}", desk.screen());
}

#[test]
fn the_next_row_of_a_filter_goes_around_the_end() {
    let check = |keys: &str, selected: &str| {
        let mut desk = Desk::new();
        desk.press(keys);
        assert_eq!(desk.selected(), selected, "{keys}");
    };
    check("/ 'state=idle' Enter", "planner");
    check("/ 'state=idle' Enter n", "release");
    check("/ 'state=idle' Enter n n", "planner");
    check("/ 'state=idle' Enter N", "release");
    let mut desk = Desk::new();
    desk.press("n");
    assert_eq!(desk.last_row(), "! filter first");
}

#[test]
fn menus_and_marks_are_drawn() {
    let check = |name: &str, size: (u16, u16), theme: &str, keys: &str| {
        let mut desk = Desk::at(size, theme);
        desk.press(keys);
        insta::assert_snapshot!(name, styled(&buffer(&desk.ui)));
    };
    check("marked_80x24", (80, 24), "terminal", "2 Space V j");
    check("marked_mono", (80, 24), "mono", "2 Space V j");
    check("sort_menu", (80, 24), "terminal", "2 S j j");
    check("columns_menu", (120, 40), "terminal", "2 C j Space");
    check("columns_menu_60x12", (60, 12), "mono", "2 C j j j j j j j j");
}

#[test]
fn a_large_fleet_costs_what_is_in_view() {
    let mut desk = Desk::at((200, 60), "terminal");
    let puts = (0..500).map(|n| {
        Row::Agent(agent(&format!("agent-of-the-large-fleet-{n:03}"), AgentState::Idle, 0, 0))
    });
    desk.hear(Down::Delta(Delta { seq: 42, at_ms: 0, puts: puts.collect() }));
    desk.press("1 G");
    assert_eq!(desk.selected(), "reviewer-of-everything-in-eu-west");
    assert_eq!(desk.ui.table(Pane::Agents).shown.len(), 506);
}

/// What may happen to a table between two looks.
#[derive(Debug, Clone)]
enum Turn {
    Key(&'static str),
    Insert(u32),
    End(u32),
    Resize(u16, u16),
    Filter(&'static str),
}

fn turn() -> impl Strategy<Value = Turn> {
    prop_oneof![
        prop::sample::select(vec![
            "j",
            "k",
            "G",
            "g g",
            "Space",
            "V",
            "w",
            "PgDn",
            "S j Enter",
            "n"
        ])
        .prop_map(Turn::Key),
        (0..200_u32).prop_map(Turn::Insert),
        (0..200_u32).prop_map(Turn::End),
        (60..200_u16, 12..60_u16).prop_map(|(w, h)| Turn::Resize(w, h)),
        prop::sample::select(vec!["", "state=running", "agent=dev", "age<1h", "dev-0"])
            .prop_map(Turn::Filter),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// The selected row stays the selected row as long as it is shown, it is in view, and marks
    /// are on rows that are shown.
    #[test]
    fn the_selection_survives_whatever_happens(turns in prop::collection::vec(turn(), 1..40)) {
        let mut desk = Desk::new();
        desk.press("2");
        for (seq, turn) in (42_u64..).zip(turns) {
            let before = desk.ui.table(Pane::Runs).selected.clone();
            let moves = matches!(turn, Turn::Key(_));
            match turn {
                Turn::Key(keys) => { desk.press(keys); }
                Turn::Insert(n) => {
                    let row = run(&format!("dev-{n:08x}"), RunState::Running, i64::from(n));
                    desk.hear(Down::Delta(Delta { seq, at_ms: 0, puts: vec![Row::Run(row)] }));
                }
                Turn::End(n) => {
                    let row = run(&format!("dev-{n:08x}"), RunState::Failed, i64::from(n) + 60);
                    desk.hear(Down::Delta(Delta { seq, at_ms: 0, puts: vec![Row::Run(row)] }));
                }
                Turn::Resize(width, height) => { desk.give(Input::Resize(width, height)); }
                Turn::Filter(text) => {
                    desk.ui.table_mut(Pane::Runs).filter =
                        Query::parse(query::View::Runs, text).unwrap();
                    desk.give(Input::Tick);
                }
            }
            let table = desk.ui.table(Pane::Runs);
            let shown: Vec<&str> = table.shown.iter()
                .filter_map(|i| desk.ui.fleet.run_at(*i)).map(|run| run.id.as_str()).collect();
            if let Some(before) = before.filter(|before| !moves && shown.contains(&before.as_str())) {
                prop_assert_eq!(table.selected.as_ref(), Some(&before));
            }
            prop_assert_eq!(table.selected.as_deref(), shown.get(table.at).copied());
            let rect = desk.ui.screen().rect(Pane::Runs).unwrap_or_default();
            let height = usize::from(crate::layout::table_rows(rect).height).max(1);
            prop_assert!(shown.is_empty() || (table.top..table.top + height).contains(&table.at));
            let marked = crate::update::table::marked(&desk.ui, Pane::Runs);
            prop_assert!(marked.iter().all(|mark| shown.contains(&mark.as_str())));
        }
    }
}
