//! What the user's files change.

use crate::action::ACTIONS;
use crate::files::Files;
use crate::fixture::{Desk, styled};
use crate::input::{Input, Out};
use crate::keymap::Keymap;
use crate::pane::Pane;
use crate::settings::options::OPTIONS;
use crate::view::buffer;
use al_wire::*;

fn desk(console: &str) -> Desk {
    let mut desk = Desk::new();
    hand(&mut desk, console);
    desk
}

fn hand(desk: &mut Desk, console: &str) {
    let files = Files { console: Some(Ok(console.into())), ..Files::default() };
    desk.give(Input::Files(Box::new(files)));
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
fn what_stands_in_front_of_the_panes_obeys_the_keys_of_the_file() {
    let keys = "[keys]\nleave = [\"-Esc\", \"F5\"]\nquit = [\"-q\", \"Q\"]\n\
                down = [\"-j\", \"-Down\", \"J\"]\nzoom = [\"Down\"]\n";
    let open = |desk: &Desk| desk.screen().contains("Help for");
    for (key, closes) in [("F5", true), ("Q", true), ("Ctrl-c", true), ("q", false), ("?", true)] {
        let mut desk = desk(keys);
        assert!(open(desk.press("?")));
        assert_eq!(!open(desk.press(key)), closes, "{key}");
    }
    let mut desk = desk(keys);
    let top = desk.press("?").screen();
    assert!(desk.last_row().contains("J k scroll  F5 close"), "{}", desk.last_row());
    assert_eq!(desk.press("Down").screen(), top, "it means something else now");
    assert_ne!(desk.press("J").screen(), top);
    // Nobody is locked in by a key that means nothing any more.
    assert!(!open(desk.press("Esc")));
}

#[test]
fn the_bell_is_set_like_everything_else_but_the_command_line_is_heard_first() {
    let mut desk = desk("[set]\nbell = false\n");
    assert!(!desk.ui.attention.bell);
    desk.press(": 'set bell on' Enter");
    assert!(desk.ui.attention.bell);
    let mut desk = Desk::new();
    desk.ui.setup.quiet = true;
    desk.ui.attention.bell = false;
    hand(&mut desk, "[set]\nbell = true\n");
    assert!(!desk.ui.attention.bell, "--no-bell");
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

#[test]
fn themes_are_shown_as_the_cursor_moves_and_kept_or_not() {
    let mut desk = Desk::new();
    desk.press(": 'theme' Enter");
    insta::assert_snapshot!("choose_theme", styled(&buffer(&desk.ui)));
    let before = desk.ui.theme.name.clone();
    desk.press("k k");
    assert_eq!(desk.ui.theme.name, "high-contrast");
    desk.press("Esc");
    assert_eq!((desk.ui.theme.name.as_str(), &before), ("terminal", &before));
    desk.press(": 'theme' Enter / 'day' Enter");
    assert_eq!(desk.ui.theme.name, "harbor-day");
    assert!(desk.last_row().starts_with("theme harbor-day; to keep it: theme = \"harbor-day\" in"));
    desk.press(": 'theme nope' Enter");
    assert!(desk.last_row().contains("no theme called `nope`"), "{}", desk.last_row());
}

#[test]
fn without_colours_no_theme_with_colours_is_shown() {
    let mut desk = Desk::at((80, 24), "mono");
    desk.press(": 'theme' Enter g k k");
    assert_eq!(desk.ui.theme.name, "mono");
    desk.press("Enter");
    assert!(desk.last_row().contains("colours are off"), "{}", desk.last_row());
}

fn with_theme(name: &str, text: &str, console: &str) -> Input {
    let mut files = Files { console: Some(Ok(console.into())), ..Files::default() };
    files.themes.insert(name.into(), Ok(text.into()));
    Input::Files(Box::new(files))
}

#[test]
fn a_theme_that_is_saved_counts_at_once_and_a_bad_one_changes_nothing() {
    let mut desk = Desk::new();
    let red = |desk: &Desk| desk.ui.theme.style(crate::theme::Role::Danger).fg;
    let mine = "theme = \"mine\"\n";
    desk.give(with_theme("mine", "inherits = \"terminal\"\n", mine));
    let before = red(&desk);
    desk.give(with_theme("mine", "inherits = \"terminal\"\n[roles\n", mine));
    assert!(desk.last_row().starts_with("! theme mine, line 2: "), "{}", desk.last_row());
    assert_eq!(red(&desk), before);
    let good = "inherits = \"terminal\"\n[roles]\ndanger = { fg = \"#ff00ff\" }\n";
    desk.give(with_theme("mine", good, mine));
    assert_eq!(red(&desk), Some(ratatui::style::Color::Rgb(255, 0, 255)));
}

#[test]
fn dark_and_light_terminals_have_themes_of_their_own() {
    let mut desk = desk("theme = { dark = \"harbor\", light = \"harbor-day\" }\n");
    assert_eq!(desk.ui.theme.name, "harbor");
    assert!(desk.out.contains(&Out::AskBackground));
    desk.give(Input::Background(crate::theme::Appearance::Light));
    assert_eq!(desk.ui.theme.name, "harbor-day");
    desk.press(": 'theme mono' Enter").give(Input::Background(crate::theme::Appearance::Dark));
    assert_eq!(desk.ui.theme.name, "mono", "what was chosen by hand stays");
}

#[test]
fn options_are_set_by_command_and_by_file() {
    let mut desk = Desk::new();
    let values = |desk: &Desk| {
        let values =
            OPTIONS.iter().map(|option| format!("{} {}", option.name, (option.get)(&desk.ui)));
        values.collect::<Vec<_>>()
    };
    for option in &OPTIONS {
        for value in option.values {
            desk.press(&format!(": 'set {} {value}' Enter", option.name));
            let set = format!("{} {value}", option.name);
            assert!(values(&desk).contains(&set), "{set}");
        }
    }
    let mut desk = Desk::new();
    hand(&mut desk, "[set]\nwrap = true\nlevel = \"warn\"\nglyphs = \"ascii\"\n");
    for set in ["wrap on", "level warn", "glyphs ascii"] {
        assert!(values(&desk).contains(&set.to_owned()), "{set}");
    }
    // What was changed by hand stays when the file is saved for another reason.
    desk.press(": 'set wrap off' Enter");
    hand(&mut desk, "[set]\nwrap = true\nlevel = \"error\"\nglyphs = \"ascii\"\n");
    assert!(values(&desk).contains(&"wrap off".to_owned()));
    assert!(values(&desk).contains(&"level error".to_owned()));
    let check = |line: &str, expected: &str| {
        let mut desk = Desk::new();
        desk.press(&format!(": '{line}' Enter"));
        assert_eq!(desk.last_row(), expected, "{line}");
    };
    check("set wrap maybe", "! `wrap` is on, off, not `maybe`");
    check(
        "set glyphs asci",
        "! `glyphs` is theme, unicode, ascii, nerd, not `asci`, did you mean `ascii`?",
    );
    check("set warp on", "! nothing called `warp` can be set, did you mean `wrap`?");
    check("set wrap", "! `set` needs a name and a value");
    let mut desk = Desk::new();
    desk.press(": 'set' Enter");
    insta::assert_snapshot!("choose_setting", desk.screen());
    desk.press("Enter");
    assert!(desk.ui.log.wrap);
}

#[test]
fn the_menu_lists_what_can_be_done_and_does_it() {
    let mut desk = Desk::new();
    desk.press("a");
    insta::assert_snapshot!("choose_action", styled(&buffer(&desk.ui)));
    assert_eq!(
        desk.press("/ 'kill' Enter").commands(),
        [Command::kill(Target::Agent("dev".into()))]
    );
    assert_eq!(desk.press("a p").commands(), [Command::pause(Scope::Agent("dev".into()))]);
    desk.press("a y i");
    assert_eq!(desk.out.pop(), Some(Out::Copy("dev".into())));
    assert!(desk.press("a a").ui.popup.is_none());
    assert_eq!(desk.press("a Esc").commands(), []);
    let run = desk.press("2 a").screen();
    assert!(run.contains("Actions for dev-000000b2"), "{run}");
}

#[test]
fn in_a_protected_environment_everything_is_confirmed_by_its_name() {
    let mut desk = desk("[context.prod]\ntheme = \"high-contrast\"\nprotected = true\n");
    desk.press("p");
    assert_eq!(desk.commands(), [Command::pause(Scope::Agent("dev".into()))], "not here");
    desk.ui.settings.context = Some("prod".into());
    assert_eq!(desk.press("p").commands(), []);
    assert!(desk.screen().contains("Type prod to go on:"), "{}", desk.screen());
    assert_eq!(desk.press("'dev' Enter").commands(), []);
    assert_eq!(
        desk.press("Backspace Backspace Backspace 'prod' Enter").commands(),
        [Command::pause(Scope::Agent("dev".into()))]
    );
    desk.press("2 X");
    assert_eq!(desk.commands().len(), 1);
    let id = desk.ui.last_id;
    let question = crate::view::tests::confirm(Level::Small);
    desk.hear(Down::Reply { id, reply: Reply::NeedsConfirm(question) });
    assert_eq!(desk.press("y").commands(), [], "no single key accepts");
    assert_eq!(desk.press("Backspace 'prod' Enter").commands().len(), 1);
    assert_eq!(desk.press("q Tab Tab Enter").sent(), []);
    assert_eq!(desk.press("'prod' Enter").sent(), [Up::Leave(Leave::Drain)]);
}

#[test]
fn what_is_done_to_marked_rows_is_one_question_in_a_protected_environment() {
    let mut desk = desk("[context.prod]\nprotected = true\n");
    desk.ui.settings.context = Some("prod".into());
    desk.press("Space j j Space p");
    assert_eq!(desk.commands(), []);
    let asked = desk.press("'prod' Enter").commands();
    assert_eq!(asked.len(), 2, "{asked:?}");
}

#[test]
fn turning_to_another_environment_turns_to_its_theme_and_its_protection() {
    let mut desk = desk("[set]\nwrap = true\n[context.vps1]\ntheme = \"mono\"\nprotected = true\n");
    let (environment, project) = ("vps1".to_owned(), "acme".to_owned());
    desk.hear(Down::Link(Link::Turned { environment, project }));
    assert_eq!(desk.ui.theme.name, "mono");
    assert_eq!(desk.ui.settings.protected(), Some("vps1"));
    assert!(desk.ui.log.wrap);
    let (environment, project) = ("staging".to_owned(), "acme".to_owned());
    desk.hear(Down::Link(Link::Turned { environment, project }));
    assert_eq!((desk.ui.theme.name.as_str(), desk.ui.settings.protected()), ("terminal", None));
}

#[test]
fn what_the_file_gets_wrong_is_named_by_line() {
    let text = "thme = 1\ntheme = { dark = \"a\", lihgt = \"b\" }\n[set]\nwarp = true\nwrap = 3\n[context.prod]\nprotect = true\nprotected = \"yes\"\n";
    let file = crate::settings::file::read(text).unwrap();
    let said: Vec<String> = file.problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "line 1: unknown key `thme`, did you mean `theme`?",
            "line 2: `theme` is a name, or { dark = \"...\", light = \"...\" }",
            "line 2: unknown key `lihgt`, did you mean `light`?",
            "line 4: unknown option `warp`, did you mean `wrap`?",
            "line 5: `wrap` is on, off, not `3`",
            "line 7: unknown key `protect`, did you mean `protected`?",
            "line 8: `protected` is true or false",
        ]
    );
    assert!(file.contexts["prod"].protected, "a slip does not take the protection away");
}

#[test]
fn a_file_that_never_made_sense_takes_no_protection_away() {
    let mut desk = desk("[context.prod]\nprotected = true\n[");
    assert_eq!(desk.ui.settings.protected(), None, "no environment is shown");
    desk.ui.settings.context = Some("prod".into());
    assert_eq!(desk.ui.settings.protected(), Some("prod"));
    hand(&mut desk, "[context.vps1]\nprotected = true\n");
    assert_eq!(desk.ui.settings.protected(), None, "it makes sense now");
    hand(&mut desk, "[");
    assert_eq!(desk.ui.settings.protected(), None, "what it said last stays");
}

#[test]
fn the_command_line_knows_better_which_signs_there_are() {
    let mut desk = Desk::new();
    desk.ui.setup.ascii = true;
    hand(&mut desk, "[set]\nglyphs = \"unicode\"\nwrap = true\n");
    assert!(desk.ui.settings.glyphs.is_none() && desk.ui.log.wrap);
}

/// What an operator could see of a key.
fn screens(desk: &mut Desk) -> String {
    let panes = ["1", "2", "3", "4", "5"];
    let seen = panes.map(|pane| {
        let resting = desk.press(pane).screen();
        let help = desk.press("?").screen();
        let all = desk.press("Esc : 'keys' Enter").screen();
        let menu = desk.press("Esc a").screen();
        let palette = desk.press("Esc :").screen();
        desk.press("Esc");
        format!("{resting}{help}{all}{menu}{palette}")
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
