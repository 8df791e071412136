//! What is typed into the prompt, and what it offers.

use crate::fixture::{Desk, styled};
use crate::input::{Exit, Out};
use crate::pane::Pane;
use crate::view::buffer;
use al_wire::*;

fn prompt(keys: &str) -> (String, String) {
    let mut desk = Desk::new();
    desk.press(keys);
    let shown = desk.ui.prompt.as_ref().map(|prompt| prompt.text.value().to_owned());
    (shown.unwrap_or_default(), desk.last_row())
}

#[test]
fn tab_completes_then_goes_through_what_fits() {
    let check = |keys: &str, text: &str| assert_eq!(prompt(keys).0, text, "{keys}");
    check(": 'ki' Tab", "kill ");
    check(": 'pause ' Tab", "pause all");
    check(": 'pause ' Tab Tab", "pause dev");
    check(": 'pause ' Tab Tab Tab", "pause docs");
    check(": 'pause ' S-Tab S-Tab", "pause release");
    check(": 'pause ' Tab S-Tab Tab", "pause all");
    check(": 'pause d' Tab", "pause dev");
    check(": 'pause d' Tab Tab Tab", "pause dev");
    check(": 'runs st' Tab", "runs state= ");
    check(": 'runs state=' Tab Tab", "runs state=starting");
    check("2 / 'st' Tab", "state= ");
    check("2 / 'state=qu' Right", "state=queued");
    check(": 'runs state=f' Right", "runs state=failed");
}

#[test]
fn what_is_wrong_is_said_while_it_is_typed() {
    let check = |keys: &str, said: &str| assert_eq!(prompt(keys).1, said, "{keys}");
    check(": 'frobnicate'", "no command called `frobnicate`");
    check(": 'scale dev banana'", "scale <agent> <n>   `banana` is no number of runs");
    check("2 / 'stat=x'", "! column 1: no key `stat`, did you mean `state`?");
    check("2 / 'age<'", "! column 5: `age` needs a value, as in `age>1h`");
}

#[test]
fn a_filter_that_makes_no_sense_yet_leaves_the_rows_as_they_are() {
    let mut desk = Desk::new();
    desk.press("2 / 'state=running'");
    let shown = |desk: &Desk| desk.ui.table(Pane::Runs).shown.len();
    assert_eq!(shown(&desk), 2);
    desk.press("Backspace");
    assert_eq!(shown(&desk), 2);
    desk.press("Enter");
    assert!(desk.ui.prompt.is_some(), "the text stays until it makes sense");
    desk.press("Esc");
    assert_eq!((shown(&desk), desk.ui.prompt.is_none()), (8, true));
    desk.press("/ 'agent=dev age<1h' Enter");
    assert_eq!(shown(&desk), 4);
    desk.press("/ ' x=' Esc");
    assert_eq!(shown(&desk), 4, "Esc brings back what was there");
}

#[test]
fn ending_the_scheduler_takes_its_word() {
    let check = |keys: &str, expected: &[Out]| {
        let mut desk = Desk::new();
        desk.press(keys);
        assert_eq!(desk.out, expected, "{keys}");
    };
    let leave = |leave, exit| [Out::Send(Up::Leave(leave)), Out::Exit(exit)];
    check(": 'drain' Enter 'drain' Enter", &leave(Leave::Drain, Exit::Drain));
    check(": 'stop' Enter 'stop' Enter", &leave(Leave::StopNow, Exit::StopNow));
    check(": 'stop' Enter 'drain' Enter Esc", &[]);
    check(": 'stop' Enter Esc", &[]);
    check(": 'detach' Enter", &leave(Leave::Detach, Exit::Detach));
    let mut desk = Desk::new();
    desk.ui.setup.remote = true;
    desk.press(": 'stop' Enter");
    assert_eq!(desk.last_row(), "! the scheduler is elsewhere: `al stop` ends it, :detach leaves");
}

#[test]
fn candidates_are_listed_and_the_chosen_one_is_marked() {
    let mut desk = Desk::new();
    desk.press(": 'runs state=' Tab Tab Tab");
    insta::assert_snapshot!("prompt_cycles", styled(&buffer(&desk.ui)));
    let mut desk = Desk::at((60, 12), "mono");
    desk.press(": 'kill ' S-Tab");
    assert!(
        desk.last_row().ends_with("reviewer-of-everything-in-eu-west-000000e1"),
        "{}",
        desk.last_row()
    );
}

#[test]
fn help_is_searched_from_the_command_line() {
    let mut desk = Desk::new();
    desk.press(": 'help freeze' Enter");
    assert!(desk.screen().contains("freeze the picture"), "{}", desk.screen());
    assert!(!desk.screen().contains("zoom the pane"), "{}", desk.screen());
}
