//! What the user's files change.

use crate::action::ACTIONS;
use crate::files::Files;
use crate::fixture::Desk;
use crate::input::Out;
use crate::keymap::Keymap;
use crate::pane::Pane;
use crate::settings;
use al_wire::*;

fn desk(console: &str) -> Desk {
    let mut desk = Desk::new();
    hand(&mut desk, console);
    desk
}

fn hand(desk: &mut Desk, console: &str) {
    let files = Files { console: Some(Ok(console.into())), ..Files::default() };
    settings::take(&mut desk.ui, files);
}

#[test]
fn keys_of_the_file_work_and_are_shown_wherever_keys_are() {
    let mut desk = desk("[keys]\nkill = [\"F9\"]\npause = []\nwrap = []\nfold = [\"w\"]\n");
    assert!(!desk.last_row().contains("pause"), "{}", desk.last_row());
    desk.press("F9");
    assert_eq!(desk.commands(), [Command::kill(Target::Agent("dev".into()))]);
    assert_eq!(desk.press("p").commands(), []);
    let help = desk.press("? / 'kill' Enter").screen();
    assert!(help.contains("X F9"), "{help}");
    let all = desk.press("Esc Esc : 'keys' Enter / 'console.toml' Enter").screen();
    for line in ["F9        kill", "console.toml:2", "w         fold", "console.toml:5"] {
        assert!(all.contains(line), "{line}\n{all}");
    }
    let all = desk.press("Esc / 'pause' Enter").screen();
    assert!(all.contains("-         pause             taken away, console.toml:3"), "{all}");
}

#[test]
fn a_clash_leaves_the_keys_as_they_were_and_says_so() {
    let mut desk = desk("[keys]\nzoom = [\"F2\"]\n");
    hand(&mut desk, "[keys]\n\nzoom = [\"F3\", \"i\"]\n");
    assert_eq!(desk.last_row(), "! console.toml, line 3: `i` would be both `zoom` and `inspect`");
    assert!(desk.press("F2").ui.zoom);
    assert!(desk.press("F3").ui.zoom, "F3 means nothing");
    hand(&mut desk, "[keys\n");
    assert!(desk.last_row().starts_with("! console.toml, line 1: "), "{}", desk.last_row());
    assert!(!desk.press("F2").ui.zoom);
}

#[test]
fn what_is_wrong_is_left_out_and_the_rest_holds() {
    let mut desk = desk("[keys]\nzoom = [\"F2\"]\nkil = [\"F3\"]\nup = 3\n[kyes]\n");
    let said = desk.last_row();
    assert!(
        said.contains("line 3: no action is called `kil`, did you mean `kill`? (and"),
        "{said}"
    );
    assert!(desk.press("F2").ui.zoom);
}

/// What an operator could see of a key.
fn screens(desk: &mut Desk) -> String {
    let panes = ["1", "2", "3", "4", "5"];
    let seen = panes.map(|pane| {
        let resting = desk.press(pane).screen();
        let help = desk.press("?").screen();
        desk.press("Esc");
        format!("{resting}{help}")
    });
    seen.concat()
}

#[test]
fn read_only_shows_and_does_nothing_that_changes_the_scheduler() {
    let mut desk = Desk::new();
    desk.ui.setup.read_only = true;
    desk.ui.size = (80, 200);
    let seen = screens(&mut desk);
    for row in Keymap::default().rows().iter().filter(|row| row.entry.changes) {
        assert!(!seen.contains(row.entry.title), "{}", row.entry.id);
        for (number, pane) in ["1", "2", "3", "4", "5"].iter().zip(Pane::ALL) {
            for keys in row.entry.keys.iter().filter(|_| row.entry.context.holds(pane)) {
                desk.press("Esc Esc").press(number);
                desk.out.clear();
                desk.press(keys);
                assert!(desk.last_row().contains("read-only"), "{} in {pane:?}", row.entry.id);
                let acts = |out: &Out| match out {
                    Out::Send(up) => matches!(up, Up::Submit { .. }),
                    Out::Shell(_) => true,
                    _ => false,
                };
                assert!(!desk.out.iter().any(acts), "{} in {pane:?}", row.entry.id);
            }
        }
    }
    assert!(ACTIONS.iter().any(|entry| entry.changes));
}
