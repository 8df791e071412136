use super::*;
use ratatui::style::Modifier;

fn files(files: &[(&str, &str)]) -> Files {
    let themes = files.iter().map(|(name, text)| ((*name).into(), Ok((*text).into())));
    Files { themes: themes.collect(), ..Files::default() }
}

fn load(own: &[(&str, &str)], name: &str) -> Result<(Theme, Vec<Problem>), ThemeError> {
    Theme::load(name, &files(own), Depth::True)
}

#[test]
fn shipped_themes_have_nothing_to_mend() {
    for (name, text) in SHIPPED {
        assert_eq!(check(name, text, &Files::default()), [], "{name}");
        for depth in [Depth::Ansi16, Depth::Ansi256] {
            let (theme, _) = Theme::load(name, &Files::default(), depth).unwrap();
            let named = |color: Option<Color>| color.is_none_or(|c| !matches!(c, Color::Rgb(..)));
            let few = depth == Depth::Ansi16;
            assert!(
                !few || Role::ALL.iter().all(|(role, _)| named(theme.style(*role).fg)),
                "{name}"
            );
        }
    }
}

#[test]
fn what_a_theme_does_badly_is_found() {
    let check = |text: &str, expected: &[&str]| {
        let found: Vec<String> = check("own", text, &Files::default())
            .iter()
            .map(|finding| format!("{:?} {}", finding.severity, finding.problem))
            .collect();
        assert_eq!(found, expected, "{text}");
    };
    check(
        "inherits = \"terminal\"\n[roles]\nghost = { fg = \"ansi:4\" }\n",
        &["Warning line 3: `ghost` differs from `text` by its colour alone"],
    );
    check(
        "inherits = \"mono\"\n[roles]\nselection = { fg = \"ansi:4\" }\n\"selection.blur\" = { dim = true }\n",
        &["Error line 3: `selection` needs an attribute or a background to be seen"],
    );
    check(
        "inherits = \"mono\"\n[palette]\nink = \"#202020\"\nfog = \"#505050\"\nsun = \"#ffff00\"\n[roles]\ntext = { fg = \"#eeeeee\", bg = \"ink\" }\ngap = { fg = \"fog\" }\n",
        &[
            "Warning line 5: nothing uses `sun` of [palette]",
            "Error line 8: `gap` has a contrast of 2.0:1, below 4.5:1",
        ],
    );
    check(
        "inherits = \"nope\"\n",
        &[
            "Error line 1: no theme called `nope`; there are deuteranopia, harbor, harbor-day, high-contrast, mono, own, terminal",
        ],
    );
    check("[roles\n", &["Error line 1: unclosed table, expected `]`"]);
}

#[test]
fn fewer_colours_take_what_the_theme_says_for_them() {
    let text = "inherits = \"mono\"\n[roles]\nstate = { fg = \"#ff0000\" }\n[fallback]\nansi16 = { \"state.failed\" = { fg = \"ansi:5\" } }\nansi256 = { state = { fg = \"indexed:99\" } }\n";
    let style =
        |role, depth| Theme::load("own", &files(&[("own", text)]), depth).unwrap().0.style(role).fg;
    let red = Some(Color::Rgb(255, 0, 0));
    assert_eq!(style(Role::StateFailed, Depth::True), red);
    assert_eq!(style(Role::StateFailed, Depth::Ansi16), Some(Color::Magenta));
    assert_eq!(style(Role::StateDone, Depth::Ansi16), red, "the terminal gets the nearest to it");
    assert_eq!(style(Role::StateFailed, Depth::Ansi256), Some(Color::Indexed(99)));
}

#[test]
fn shipped_themes_never_use_black_or_white_of_the_terminal() {
    for (name, _) in SHIPPED {
        let (theme, _) = load(&[], name).unwrap();
        for (role, key) in Role::ALL {
            let fg = theme.style(role).fg;
            let extremes = [Some(Color::Black), Some(Color::White), Some(Color::Gray)];
            assert!(!extremes.contains(&fg), "{name} {key}");
        }
        let selection = theme.style(Role::Selection);
        assert!(selection.add_modifier.contains(Modifier::REVERSED), "{name}");
    }
    assert!(load(&[], "mono").unwrap().0.colorless);
    assert!(!load(&[], "terminal").unwrap().0.colorless);
}

#[test]
fn a_theme_looks_in_its_own_parent_role_before_the_theme_it_inherits() {
    let harbor = "inherits = \"terminal\"\n[palette]\ncoral = \"#e06c75\"\n[roles]\nstate = { fg = \"coral\" }\n\"state.done\" = { fg = \"indexed:8\" }\n[glyphs]\nset = \"ascii\"\n\"state.done\" = \"v\"\n";
    let (theme, problems) = load(&[("harbor", harbor)], "harbor").unwrap();
    assert_eq!(problems, []);
    assert_eq!(theme.style(Role::StateFailed), Style::new().fg(Color::Rgb(0xe0, 0x6c, 0x75)));
    assert_eq!(theme.style(Role::StateDone), Style::new().fg(Color::Indexed(8)));
    assert_eq!(theme.style(Role::LevelWarn), Style::new().fg(Color::Yellow));
    assert_eq!((theme.glyphs.done.as_str(), theme.glyphs.failed.as_str()), ("v", "x"));
}

#[test]
fn what_a_file_gets_wrong_is_named_by_line_and_left_out() {
    let text = "inherits = \"mono\"\nappearence = 1\n[roles]\n\"state.runing\" = {}\nmatch = { fg = \"coral\", blod = true }\n[glyphs]\ncursor = \"=>\"\n";
    let (_, problems) = load(&[("odd", text)], "odd").unwrap();
    let said: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "line 2: unknown key `appearence`, did you mean `appearance`?",
            "line 4: unknown role `state.runing`, did you mean `state.running`?",
            "line 5: `coral` is no colour; use default, ansi:0..15, indexed:0..255, #rrggbb or a name from [palette]",
            "line 5: unknown attribute `blod`, did you mean `bold`?",
            "line 7: glyph `cursor` is one character, one column wide",
        ]
    );
}

#[test]
fn a_theme_that_cannot_be_used_says_why() {
    let why = |files: &[(&str, &str)], name| load(files, name).unwrap_err().to_string();
    assert_eq!(
        why(&[], "nope"),
        "no theme called `nope`; there are deuteranopia, harbor, harbor-day, high-contrast, mono, terminal"
    );
    let broken = why(&[("torn", "[roles\n")], "torn");
    assert!(broken.starts_with("theme torn, line 1: "), "{broken}");
    assert_eq!(
        why(&[("a", "inherits = \"b\""), ("b", "inherits = \"a\"")], "a"),
        "themes inherit in a circle: a, b, a"
    );
    assert!(why(&[], "../../etc/passwd").starts_with("no theme called"));
}
