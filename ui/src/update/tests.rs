use crate::fixture::{Desk, agent, more, record, records, run, snapshot, tail};
use crate::input::{Exit, Input, Out};
use crate::pane::Pane;
use al_wire::*;
use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use proptest::prelude::*;

/// Keys, and the commands they ask the scheduler for.
fn check(keys: &str, expected: &[Command]) {
    let mut desk = Desk::new();
    desk.press(keys);
    assert_eq!(desk.commands(), expected, "{keys}");
}

fn kill(run: &str) -> Command {
    Command::Kill { target: Target::Run(run.into()) }
}

fn start(agent: &str, prompt: Option<&str>) -> Command {
    Command::Run { agent: agent.into(), prompt: prompt.map(Into::into) }
}

fn pause(agent: &str) -> Command {
    Command::Pause { scope: Scope::Agent(agent.into()), why: None }
}

fn resume(agent: &str, drop_held: bool) -> Command {
    Command::Resume { scope: Scope::Agent(agent.into()), drop_held }
}

#[test]
fn keys_ask_the_scheduler() {
    check("p", &[pause("dev")]);
    check("P", &[Command::Pause { scope: Scope::Project, why: None }]);
    check("X", &[Command::Kill { target: Target::Agent("dev".into()) }]);
    check("2 X", &[kill("dev-000000b2")]);
    check("2 p", &[pause("dev")]);
    check("D", &[Command::Drop { runs: vec!["dev-000000c2".into(), "dev-000000c1".into()] }]);
    check("3 D", &[Command::Drop { runs: vec!["dev-000000c1".into()] }]);
    check("j j j j R", &[Command::Rerun { run: "release-0000000f".into() }]);
    check("2 e R", &[Command::Rerun { run: "release-0000000f".into() }]);
    check("+ + Enter", &[Command::Scale { agent: "dev".into(), scale: 4 }]);
    check("- Enter", &[Command::Scale { agent: "dev".into(), scale: 1 }]);
    check("+ - Enter", &[]);
    check("+ Esc Enter", &[]);
    check("+ j Enter", &[]);
    check("s Enter", &[start("dev", None)]);
    check("s 'fix it' Enter", &[start("dev", Some("fix it"))]);
    check("s Tab Enter", &[]);
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
}

#[test]
fn commands_of_the_prompt_ask_the_scheduler() {
    check(": 'kill dev' Enter", &[Command::Kill { target: Target::Agent("dev".into()) }]);
    check(": 'kill 000000b1' Enter", &[kill("dev-000000b1")]);
    check(": 'run dev \"fix the flaky test\"' Enter", &[start("dev", Some("fix the flaky test"))]);
    check(": 'pause all' Enter", &[Command::Pause { scope: Scope::Project, why: None }]);
    check(": 'resume release' Enter", &[resume("release", false)]);
    check(": 'rerun release-0000000f' Enter", &[Command::Rerun { run: "release-0000000f".into() }]);
    check(": 'drop docs-000000d1' Enter", &[Command::Drop { runs: vec!["docs-000000d1".into()] }]);
    check(": 'scale dev 3' Enter", &[Command::Scale { agent: "dev".into(), scale: 3 }]);
    check(": 'ki' Tab 'dev' Enter", &[Command::Kill { target: Target::Agent("dev".into()) }]);
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

fn asked(level: Level) -> Desk {
    let mut desk = Desk::new();
    desk.press("X");
    desk.out.clear();
    let confirm = crate::view::tests::confirm(level);
    desk.hear(Down::Reply { id: 1, reply: Reply::NeedsConfirm(confirm) });
    desk
}

#[test]
fn a_question_is_accepted_by_its_level_only() {
    let check = |level, keys: &str, accepted: bool| {
        let mut desk = asked(level);
        desk.press(keys);
        let sent = desk.sent();
        let kill = Up::Submit {
            id: 2,
            seen: 41,
            command: Command::Kill { target: Target::Agent("dev".into()) },
            token: Some("t-9".into()),
        };
        let sent: Vec<Up> = sent.into_iter().filter(|up| matches!(up, Up::Submit { .. })).collect();
        assert_eq!(sent, if accepted { vec![kill] } else { vec![] }, "{level:?} {keys}");
    };
    check(Level::Small, "y", true);
    check(Level::Small, "Enter", false);
    check(Level::Loses, "y", false);
    check(Level::Loses, "Enter", false);
    check(Level::Loses, "n Tab Enter", false);
    check(Level::Loses, "Tab Enter", true);
    check(Level::Loses, "Right Enter", true);
    check(Level::Wide, "Enter", false);
    check(Level::Wide, "'kill 3' Enter", false);
    check(Level::Wide, "'kill 3' Tab Tab Enter", false);
    check(Level::Wide, "'kill 2' Enter", true);
    check(Level::Wide, "'kill 2' Tab Enter", false);
    check(Level::Wide, "'kill 2' Esc", false);
}

#[test]
fn a_key_meant_for_what_was_there_before_accepts_nothing() {
    for level in [Level::Small, Level::Loses] {
        let mut desk = asked(level);
        for key in ["Tab", "Enter", "y"] {
            desk.now_ms -= 950;
            desk.press(key);
        }
        assert_eq!(desk.sent(), [], "{level:?}");
        assert!(desk.ui.dialog.is_some());
    }
}

#[test]
fn when_the_world_moved_the_dialog_says_so_and_offers_to_ask_again() {
    let stale =
        || Down::Reply { id: 2, reply: Reply::Stale { now: vec!["dev-000000b2 ended".into()] } };
    let mut desk = asked(Level::Loses);
    desk.press("Tab Enter").hear(stale());
    assert!(
        desk.screen().contains("Kill the runs of dev? Things have changed"),
        "{}",
        desk.screen()
    );
    assert!(desk.screen().contains("dev-000000b2 ended"));
    desk.out.clear();
    desk.press("Tab Enter");
    let again = Up::Submit {
        id: 3,
        seen: 41,
        command: Command::Kill { target: Target::Agent("dev".into()) },
        token: None,
    };
    assert_eq!(desk.sent(), [again]);

    let mut desk = Desk::new();
    desk.press("2 X");
    let ended = run("dev-000000b2", RunState::Succeeded, 60);
    desk.hear(Down::Delta(Delta { seq: 42, at_ms: 0, puts: vec![Row::Run(ended)] }));
    desk.hear(Down::Reply { id: 1, reply: Reply::Stale { now: vec!["it already ended".into()] } });
    assert!(!desk.screen().contains("Ask again"));
}

#[test]
fn results_flash_with_what_undoes_them_and_go_away() {
    let mut desk = Desk::new();
    desk.press("p");
    desk.hear(Down::Reply { id: 1, reply: Reply::Done { why: "paused dev.".into(), run: None } });
    assert_eq!(desk.last_row(), "paused dev, p resumes");
    desk.wait(10_000);
    assert!(desk.last_row().starts_with("? help"));
    desk.press("p");
    desk.hear(Down::Reply { id: 2, reply: Reply::Refused { why: "the host is draining".into() } });
    assert_eq!(desk.last_row(), "! the host is draining");
}

#[test]
fn leaving_is_not_stopping() {
    let check = |keys: &str, leave: Leave, exit: Exit| {
        let mut desk = Desk::new();
        desk.press(keys);
        assert_eq!(desk.out, [Out::Send(Up::Leave(leave)), Out::Exit(exit)], "{keys}");
    };
    check("q Tab Enter", Leave::Detach, Exit::Detach);
    check("q Tab Tab Enter", Leave::Drain, Exit::Drain);
    check("Ctrl-c S-Tab Enter", Leave::StopNow, Exit::StopNow);
    check(": 'q' Enter Right Enter", Leave::Detach, Exit::Detach);

    let mut desk = Desk::new();
    desk.press("q Enter q Esc q n Esc Esc");
    assert_eq!(desk.out, []);

    let mut desk = Desk::new();
    desk.ui.setup.remote = true;
    desk.press("q");
    assert_eq!(desk.out, [Out::Send(Up::Leave(Leave::Detach)), Out::Exit(Exit::Detach)]);
}

#[test]
fn the_end_of_the_host_and_signals_end_the_console() {
    let check = |input: Input, exit: Exit| {
        let mut desk = Desk::new();
        desk.give(input);
        assert_eq!(desk.out, [Out::Exit(exit)]);
    };
    check(Input::Down(Down::Bye { why: "stopped".into() }), Exit::Host("stopped".into()));
    check(Input::HostGone, Exit::Host("the connection to the scheduler ended".into()));
    check(Input::Stop, Exit::Signal);
}

#[test]
fn read_only_changes_nothing() {
    for keys in ["X", "p", "s", "+", "D", "R", "P", ": 'kill dev' Enter"] {
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
fn moves_and_letters_lead_to_the_same_rows() {
    let check = |keys: &str, selected: &str| {
        let mut desk = Desk::new();
        desk.press(keys);
        assert_eq!(desk.selected(), selected, "{keys}");
    };
    check("j", "docs");
    check("Down Down Up", "docs");
    check("j j k", "docs");
    check("G", "reviewer-of-everything-in-eu-west");
    check("End g g", "dev");
    check("Ctrl-d Home", "dev");
    check("PgDn", "reviewer-of-everything-in-eu-west");
    check("e", "oncall");
    check("e e", "release");
    check("e e E", "oncall");
    check("/ 'rele' Enter", "release");
    check("/ 'rele' Esc", "release");
}

#[test]
fn esc_takes_away_one_layer_and_never_leaves() {
    let mut desk = Desk::new();
    desk.press("Enter / 'b' Enter z ?");
    let layers = |desk: &Desk| {
        (
            desk.ui.popup.is_some(),
            desk.ui.table(Pane::Runs).filter.to_string(),
            desk.ui.zoom,
            desk.ui.place.scope.is_some(),
        )
    };
    assert_eq!(layers(&desk), (true, "b".into(), true, true));
    assert_eq!(layers(desk.press("Esc")), (false, "b".into(), true, true));
    assert_eq!(layers(desk.press("Esc")), (false, String::new(), true, true));
    assert_eq!(layers(desk.press("Esc")), (false, String::new(), false, true));
    assert_eq!(layers(desk.press("Esc")), (false, String::new(), false, false));
    assert_eq!(desk.ui.focus(), Pane::Agents);
    desk.press("Esc Esc Esc");
    assert!(desk.ui.dialog.is_none() && desk.commands().is_empty());
}

#[test]
fn history_goes_back_and_forward() {
    let mut desk = Desk::new();
    let mut focus = |keys: &str| desk.press(keys).ui.focus();
    assert_eq!(focus("2 3 ["), Pane::Runs);
    assert_eq!(focus("["), Pane::Agents);
    assert_eq!(focus("] ]"), Pane::Queues);
    assert_eq!(focus("`"), Pane::Runs);
    assert_eq!(focus("`"), Pane::Queues);
    assert_eq!(focus(": 'runs dev state=running' Enter"), Pane::Runs);
    assert!(desk.screen().contains("Runs of dev 2 /state=running"), "{}", desk.screen());
    assert_eq!(desk.press("[").ui.focus(), Pane::Queues);
}

#[test]
fn the_log_follows_the_cursor_once_it_rests() {
    let mut desk = Desk::new();
    desk.press("j");
    desk.now_ms -= 990;
    desk.press("j");
    assert_eq!(desk.sent(), []);
    desk.wait(100);
    let oncall = LogSource::Agent("oncall".into());
    assert_eq!(desk.sent(), [Up::Tail { source: oncall, limit: 500 }]);
    desk.press("2").wait(100);
    let run = LogSource::Run("dev-000000b2".into());
    assert_eq!(desk.sent(), [Up::Tail { source: run, limit: 500 }]);
    desk.press("4 j j").wait(100);
    assert_eq!(desk.sent(), [Up::Tail { source: LogSource::Scheduler, limit: 500 }]);
    desk.press(": 'logs planner' Enter 1 j").wait(1_000);
    let planner = LogSource::Agent("planner".into());
    assert_eq!(desk.sent(), [Up::Tail { source: planner, limit: 500 }], "a pinned log stays");
}

#[test]
fn the_first_log_is_asked_for_at_once() {
    let mut desk = Desk::fresh((80, 24), "terminal");
    desk.hear(Down::Snapshot(Box::new(snapshot())));
    assert_eq!(desk.sent(), [Up::Tail { source: LogSource::Agent("dev".into()), limit: 500 }]);
}

fn dev() -> LogSource {
    LogSource::Agent("dev".into())
}

#[test]
fn reading_back_stops_following_and_counts_what_comes() {
    let mut desk = Desk::new();
    desk.press("5 k k k");
    let top = desk.row(3);
    desk.hear(Down::Log(more(dev(), records(40..47))));
    assert_eq!(desk.row(3), top);
    assert!(desk.row(2).contains("follow off  v 7 new"), "{}", desk.row(2));
    desk.press("G");
    assert!(desk.row(22 - 1).contains("step 46"), "{}", desk.screen());
    desk.hear(Down::Log(more(dev(), records(47..49))));
    assert!(desk.row(22 - 1).contains("step 48"), "{}", desk.screen());
}

#[test]
fn older_pages_come_near_the_top() {
    let mut desk = Desk::new();
    let chunk = LogChunk { more_before: true, ..tail(dev(), records(100..300)) };
    desk.hear(Down::Log(chunk));
    desk.press("5 k");
    assert_eq!(desk.sent(), []);
    desk.press("g g");
    let older = Up::Older { source: dev(), before: "c0".into(), limit: 500 };
    assert_eq!(desk.sent(), [older]);
    assert!(desk.row(2).contains("loading"));
    let before = desk.row(3);
    desk.hear(Down::Log(LogChunk {
        older: true,
        reset: false,
        first: Some("c-1".into()),
        ..tail(dev(), records(0..100))
    }));
    assert_eq!(desk.row(3), before, "the reader stays");
    assert!(desk.press("g g").row(3).contains("step 0"));
    assert_eq!(desk.sent(), [], "nothing stands before");
}

#[test]
fn search_counts_and_walks_around_the_end() {
    let mut desk = Desk::new();
    desk.press("5 / '403' Enter");
    let counter = |desk: &Desk| {
        desk.row(2)
            .split_whitespace()
            .find(|word| word.contains('/') && word.len() < 5 && !word.starts_with('/'))
            .map(str::to_owned)
    };
    assert_eq!(counter(&desk), Some("5/5".into()));
    assert_eq!(counter(desk.press("n")), Some("1/5".into()));
    assert_eq!(counter(desk.press("N N")), Some("4/5".into()));
    desk.press("/ 'nowhere' Enter");
    assert_eq!(desk.last_row(), "! `nowhere` is not among the records here");
}

#[test]
fn levels_errors_times_and_wrap_are_named_in_the_title() {
    let mut desk = Desk::new();
    desk.press("5 v");
    assert!(
        desk.row(2).contains("level >=info") && !desk.screen().contains(" D "),
        "{}",
        desk.screen()
    );
    desk.press("v v");
    assert!(desk.row(2).contains("level error") && !desk.screen().contains(" I "));
    assert!(desk.press("v E").row(2).contains("follow off"));
    for (keys, word) in
        [("t", "time utc"), ("t", "time since"), ("t", "time none"), ("w", "wrap on")]
    {
        assert!(desk.press(keys).row(2).contains(word), "{}", desk.row(2));
    }
    assert!(!desk.press("t").row(2).contains("time"));
}

#[test]
fn a_frozen_picture_stands_still_while_intake_goes_on() {
    let mut desk = Desk::new();
    desk.press("F");
    let before = desk.screen();
    let mut dev_row = agent("dev", AgentState::Idle, 0, 0);
    dev_row.status_text = Some("all done".into());
    desk.hear(Down::Delta(Delta { seq: 42, at_ms: 0, puts: vec![Row::Agent(dev_row)] }));
    desk.hear(Down::Log(more(dev(), vec![record(60, LogLevel::Info, "fresh")])));
    assert_eq!(desk.screen(), before);
    desk.press("F");
    assert!(
        desk.screen().contains("all done") && desk.screen().contains("fresh"),
        "{}",
        desk.screen()
    );
}

#[test]
fn pasted_text_is_never_taken_for_keys() {
    let mut desk = Desk::new();
    desk.give(Input::Paste("XqyP".into()));
    assert_eq!((desk.commands(), desk.ui.dialog.is_some()), (vec![], false));
    desk.press(":").give(Input::Paste("kill\ndev".into()));
    assert_eq!(desk.row(22), ":kill dev");
}

fn mouse(desk: &mut Desk, kind: MouseEventKind, column: u16, row: u16) {
    desk.give(Input::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }));
}

#[test]
fn clicks_select_then_open_and_the_wheel_scrolls_what_is_under_it() {
    let click = MouseEventKind::Down(MouseButton::Left);
    let mut desk = Desk::new();
    mouse(&mut desk, click, 5, 6);
    assert_eq!(desk.selected(), "oncall");
    mouse(&mut desk, click, 5, 6);
    assert_eq!((desk.ui.focus(), desk.ui.place.scope.as_deref()), (Pane::Runs, Some("oncall")));
    mouse(&mut desk, click, 1, 1);
    assert_eq!(desk.ui.focus(), Pane::Agents);
    mouse(&mut desk, MouseEventKind::ScrollUp, 5, 20);
    assert!(!desk.ui.log.follow);
    desk.press("M");
    mouse(&mut desk, click, 5, 4);
    assert_eq!(desk.selected(), "oncall");
}

#[test]
fn a_click_that_comes_with_the_dialog_presses_no_button() {
    let click = MouseEventKind::Down(MouseButton::Left);
    let mut desk = asked(Level::Loses);
    let kill = crate::view::buttons(&desk.ui)[1];
    mouse(&mut desk, click, kill.x + 1, kill.y);
    assert_eq!(desk.commands(), []);
    desk.now_ms += 300;
    mouse(&mut desk, click, kill.x + 1, kill.y);
    assert_eq!(desk.commands().len(), 1);
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
}

#[test]
fn an_old_console_survives_what_it_does_not_know() {
    let mut desk = Desk::new();
    let before = desk.screen();
    desk.hear(Down::Unknown);
    desk.hear(Down::Delta(Delta { seq: 42, at_ms: 0, puts: vec![Row::Unknown] }));
    assert_eq!(desk.screen(), before);
    desk.press("X").hear(Down::Reply { id: 1, reply: Reply::Unknown });
    assert!(desk.last_row().starts_with("! the scheduler is newer"));
}

#[test]
fn selection_stays_on_its_row_while_rows_come_and_go() {
    let mut desk = Desk::new();
    desk.press("j j");
    let puts = vec![
        Row::AgentGone { name: "dev".into() },
        Row::Agent(agent("aaa", AgentState::Idle, 0, 0)),
        Row::Agent(agent("bbb", AgentState::Idle, 0, 0)),
    ];
    desk.hear(Down::Delta(Delta { seq: 42, at_ms: 0, puts }));
    assert_eq!(desk.selected(), "oncall");
    desk.hear(Down::Delta(Delta {
        seq: 43,
        at_ms: 0,
        puts: vec![Row::AgentGone { name: "oncall".into() }],
    }));
    assert_eq!(desk.selected(), "planner");
}

#[derive(Debug, Clone)]
enum Event {
    Key(&'static str),
    Append(i64),
    Older(i64),
    Size(u16, u16),
}

fn event() -> impl Strategy<Value = Event> {
    let keys = [
        "j",
        "k",
        "Ctrl-d",
        "Ctrl-u",
        "PgUp",
        "G",
        "g g",
        "v",
        "w",
        "f",
        "e",
        "E",
        "n",
        "/ '403' Enter",
        "Esc",
    ];
    prop_oneof![
        4 => proptest::sample::select(keys.to_vec()).prop_map(Event::Key),
        2 => (0..40_i64).prop_map(Event::Append),
        1 => (0..40_i64).prop_map(Event::Older),
        1 => (60..180_u16, 12..50_u16).prop_map(|(width, height)| Event::Size(width, height)),
    ]
}

proptest! {
    #[test]
    fn the_reader_stays_where_the_reader_is(events in proptest::collection::vec(event(), 1..40)) {
        let mut desk = Desk::new();
        desk.press("5");
        let mut next = 40;
        for event in events {
            let at = desk.ui.log.buffer.get(desk.ui.log.cursor).cloned();
            let follows = desk.ui.log.follow;
            let data = matches!(event, Event::Append(_) | Event::Older(_));
            match event {
                Event::Key(keys) => { desk.press(keys); }
                Event::Append(n) => {
                    desk.hear(Down::Log(more(dev(), records(next..next + n))));
                    next += n;
                }
                Event::Older(n) => {
                    let chunk = LogChunk { older: true, reset: false, ..tail(dev(), records(-n..0)) };
                    desk.hear(Down::Log(chunk));
                }
                Event::Size(width, height) => { desk.give(Input::Resize(width, height)); }
            }
            let log = &desk.ui.log;
            let rect = desk.ui.screen().rect(Pane::Logs).unwrap();
            let rows = crate::view::log_rows(&desk.ui, crate::layout::inside(rect));
            prop_assert!(log.top.record <= log.cursor);
            prop_assert!(rows.iter().any(|(number, _)| *number == log.cursor), "the cursor is in view");
            if log.follow {
                prop_assert_eq!(rows.last().map(|(number, _)| *number), log.before(i64::MAX));
            }
            if data && !follows {
                prop_assert_eq!(log.buffer.get(log.cursor).cloned(), at, "data does not move the cursor");
            }
        }
    }
}
