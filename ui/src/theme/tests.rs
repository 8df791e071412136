use super::*;
use ratatui::style::Modifier;

fn load(files: &[(&str, &str)], name: &str) -> Result<(Theme, Vec<Problem>), ThemeError> {
    let dir = std::env::temp_dir().join(format!("al-ui-theme-{}-{name}", std::process::id()));
    std::fs::create_dir_all(dir.join("themes")).unwrap();
    for (file, text) in files {
        std::fs::write(dir.join("themes").join(format!("{file}.toml")), text).unwrap();
    }
    let loaded = Theme::load(name, Some(&dir));
    std::fs::remove_dir_all(&dir).unwrap();
    loaded
}

#[test]
fn shipped_themes_are_clean_and_never_use_black_or_white() {
    for (name, _) in SHIPPED {
        let (theme, problems) = Theme::load(name, None).unwrap();
        assert_eq!(problems, []);
        for (role, key) in Role::ALL {
            let fg = theme.style(role).fg;
            let extremes = [Some(Color::Black), Some(Color::White), Some(Color::Gray)];
            assert!(!extremes.contains(&fg), "{name} {key}");
        }
        let selection = theme.style(Role::Selection);
        assert!(selection.add_modifier.contains(Modifier::REVERSED), "{name}");
    }
    assert!(Theme::load("mono", None).unwrap().0.colorless);
    assert!(!Theme::load("terminal", None).unwrap().0.colorless);
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
            "line 2: unknown key `appearence`",
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
    assert_eq!(why(&[], "nope"), "no theme called `nope`; there are mono, terminal");
    let broken = why(&[("torn", "[roles\n")], "torn");
    assert!(broken.starts_with("theme torn, line 1: "), "{broken}");
    assert_eq!(
        why(&[("a", "inherits = \"b\""), ("b", "inherits = \"a\"")], "a"),
        "theme a inherits from itself or from more than 8 themes"
    );
    assert!(why(&[], "../../etc/passwd").starts_with("no theme called"));
}
