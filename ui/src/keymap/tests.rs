use super::*;

fn wishes(text: &str) -> Vec<Wish> {
    crate::settings::file::read(&format!("[keys]\n{text}")).unwrap().wishes
}

fn chords(text: &str) -> Vec<Chord> {
    Chord::parse_all(text).unwrap()
}

#[test]
fn read_only_takes_away_what_changes_the_scheduler() {
    let map = Keymap::default();
    for row in map.rows().iter().filter(|row| row.entry.changes) {
        for pane in Pane::every().filter(|pane| row.entry.context.holds(*pane)) {
            for binding in &row.bindings {
                assert_eq!(map.meaning(&binding.keys, pane, true), Meaning::ReadOnly);
                assert_eq!(
                    map.meaning(&binding.keys, pane, false),
                    Meaning::Does(row.entry.action)
                );
            }
            assert!(map.offered(pane, true).all(|row| !row.entry.changes));
        }
    }
}

#[test]
fn a_prefix_waits_for_the_rest() {
    let map = Keymap::default();
    let g = chords("g");
    assert_eq!(map.meaning(&g, Pane::Runs, false), Meaning::Prefix);
    let next: Vec<String> =
        map.continuations(&g, Pane::Runs, false).into_iter().map(|(key, _)| key).collect();
    assert_eq!(next, ["a", "r", "q", "t", "l", "!", "e", "s", "m", "g"]);
}

#[test]
fn wishes_add_to_the_keys_there_are_and_an_empty_list_takes_them_away() {
    let check = |text: &str, id: &str, expected: &[(&str, &str)]| {
        let (map, problems) = Keymap::with(&wishes(text)).unwrap();
        assert_eq!(problems, [], "{text}");
        let row = map.list("console.toml").into_iter().find(|row| row.id == id).unwrap();
        let found: Vec<(&str, &str)> =
            row.keys.iter().map(String::as_str).zip(row.from.iter().map(String::as_str)).collect();
        assert_eq!(found, expected, "{text}");
    };
    check("", "kill", &[("X", "default")]);
    check("kill = [\"X\", \"F9\"]", "kill", &[("X", "default"), ("F9", "console.toml:2")]);
    check("kill = []", "kill", &[]);
    check(
        "down = [\"-j\", \"ctrl-n\"]",
        "down",
        &[("Down", "default"), ("Ctrl-n", "console.toml:2")],
    );
    check(
        "top = [\n \"Alt-Home\",\n \"gT\"]",
        "top",
        &[
            ("gg", "default"),
            ("Home", "default"),
            ("Alt-Home", "console.toml:3"),
            ("gT", "console.toml:4"),
        ],
    );
    check("follow = \"f12\"", "follow", &[("f", "default"), ("F12", "console.toml:2")]);
    check("wrap = []\nfold = [\"w\"]", "fold", &[("c", "default"), ("w", "console.toml:3")]);
}

#[test]
fn what_cannot_be_granted_is_named_by_line_and_left_out() {
    let text = "kil = [\"F9\"]\ndown = [\"PageDn\", \"a b c\", \"-J\", \"F13\"]\nup = [\"F2\"]\n";
    let (map, problems) = Keymap::with(&wishes(text)).unwrap();
    let said: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "line 2: no action is called `kil`, did you mean `kill`?",
            "line 3: `PageDn` is no key, did you mean `PgDn`?",
            "line 3: `a b c` is no key",
            "line 3: `J` is no key of `down`",
            "line 3: `F13` is no key",
        ]
    );
    assert_eq!(map.meaning(&chords("F2"), Pane::Logs, false), Meaning::Does(Action::Up));
}

#[test]
fn a_clash_names_both_actions_and_the_line() {
    let check = |text: &str, expected: &str| {
        let problem = Keymap::with(&wishes(text)).unwrap_err();
        assert_eq!(problem.to_string(), expected, "{text}");
    };
    check(
        "inspect = [\"x\"]\nzoom = [\"x\"]",
        "line 2: `x` would be both `inspect` and `zoom` (line 3)",
    );
    check("zoom = [\"f\"]", "line 2: `f` would be both `zoom` and `follow`");
    check("zoom = [\"g\"]", "line 2: `g` for `zoom` and `ga` for `agents` cannot both be typed");
    check("follow = [\"X\"]", "line 2: `X` would be both `follow` and `kill`");
    check(
        "kill = []\nzoom = [\"X\"]",
        "line 3: `X` cannot be `zoom`: hands know it as `kill`, which can lose work",
    );
    check(
        "quit = []\ncommand = []",
        "line 2: one of `quit` and `command` has to keep a key: they lead out",
    );
}

#[test]
fn the_same_key_may_do_different_things_where_only_one_is_meant() {
    let (map, _) = Keymap::with(&wishes("filter = [\"x\"]\nsearch = [\"x\"]")).unwrap();
    assert_eq!(map.meaning(&chords("x"), Pane::Runs, false), Meaning::Does(Action::Filter));
    assert_eq!(map.meaning(&chords("x"), Pane::Logs, false), Meaning::Does(Action::Search));
}
