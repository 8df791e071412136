use super::*;

fn shown(raw: &str) -> String {
    safe(raw, Style::new(), false).iter().map(|span| span.content.as_ref()).collect()
}

#[test]
fn agents_cannot_drive_the_terminal() {
    let check = |raw: &str, expected: &str| assert_eq!(shown(raw), expected, "{raw:?}");
    check("plain é 漢", "plain é 漢");
    check("\u{1b}[2J\u{1b}[1;1Hgone", "gone");
    check("\u{1b}]52;c;aGk=\u{7}clip", "clip");
    check("\u{1b}]0;title\u{1b}\\x", "x");
    check("\u{1b}P+q\u{9c}x", "x");
    check("\u{1b}(0x\u{1b}=y\u{1b}cz", "xyz");
    check("\u{9b}31mred", "red");
    check("\u{1b}[38;5;", "");
    check("\u{1b}[3\u{7}m", "^Gm");
    check("\u{1b}", "");
    check("a\u{0}b\u{7f}c\u{85}", "a^@b^?c<0085>");
    check("a\tb\r\nc\rd\r", "a   b\nc^Md");
    check("\u{202e}exe.txt", "<202E>exe.txt");
    check("a\u{61c}b", "a<061C>b");
}

#[test]
fn colours_of_tools_are_kept_unless_the_theme_has_none() {
    let red = Style::new().fg(Color::Red);
    let raw = "\u{1b}[31;1mred\u{1b}[0m plain \u{1b}[38;2;1;2;3;48;5;9mrgb\u{1b}[m";
    assert_eq!(
        safe(raw, Style::new(), false),
        [
            Span::styled("red", red.add_modifier(Modifier::BOLD)),
            Span::raw(" plain "),
            Span::styled("rgb", Style::new().fg(Color::Rgb(1, 2, 3)).bg(Color::Indexed(9))),
        ]
    );
    assert_eq!(
        safe(raw, Style::new(), true),
        [
            Span::styled("red", Style::new().add_modifier(Modifier::BOLD)),
            Span::raw(" plain "),
            Span::raw("rgb"),
        ]
    );
}

#[test]
fn names_are_cut_in_the_middle_and_sentences_at_the_end() {
    assert_eq!(cut_middle("acme-reviewer-eu", 12, ".."), "acme-..er-eu");
    assert_eq!(cut_middle("short", 12, ".."), "short");
    assert_eq!(cut_middle("漢字漢字漢字", 8, ".."), "漢..漢字");
    assert_eq!(cut_middle("abcdef", 3, ".."), "abc");
    assert_eq!(cut_middle("abcdef", 0, ".."), "");
    assert_eq!(cut_end("a sentence", 6, ".."), "a se..");
    assert_eq!(cut_end("abc", 2, ".."), "ab");
}

#[test]
fn matches_are_found_without_regard_to_case() {
    assert_eq!(find("Error: ERR", "err"), [(0, 3), (7, 10)]);
    assert_eq!(find("ÄÖ äö", "äö"), [(0, 4), (5, 9)]);
    assert_eq!(find("aaaa", "aa"), [(0, 2), (2, 4)]);
    assert_eq!(find("abc", ""), []);
    assert_eq!(find("ab", "abc"), []);
}

#[test]
fn long_lines_wrap_at_the_width_with_a_hanging_indent() {
    let rows = wrap(vec![Span::raw("abcdefgh\nx"), Span::raw("漢漢漢")], 5, 2);
    let rows: Vec<String> =
        rows.iter().map(|row| row.iter().map(|span| span.content.as_ref()).collect()).collect();
    assert_eq!(rows, ["abcde", "  fgh", "  x漢", "  漢", "  漢"]);
}

fn hostile() -> impl proptest::strategy::Strategy<Value = String> {
    let parts = [
        "\u{1b}", "[", "]52;c;", "\u{9b}", "31m", "2J", "\u{7}", "\u{9c}", "P", "\\", "\r", "\n",
        "\t", "\u{0}", "\u{7f}", "\u{85}", "\u{202e}", "a", "é", "漢", ";", ":", "?", "m", "38;2;",
    ];
    let part = proptest::sample::select(parts.to_vec());
    proptest::strategy::Strategy::prop_map(proptest::collection::vec(part, 0..24), |v| v.concat())
}

proptest::proptest! {
    #[test]
    fn nothing_of_a_log_reaches_the_terminal_as_a_control(raw in hostile()) {
        let tame = |c: char| !c.is_control() && !al_wire::reorders(c);
        for colorless in [false, true] {
            let spans = safe(&raw, Style::new(), colorless);
            let ok = spans.iter().flat_map(|span| span.content.chars()).all(|c| c == '\n' || tame(c));
            proptest::prop_assert!(ok, "{spans:?}");
        }
        proptest::prop_assert!(line(&raw).chars().all(tame), "{}", line(&raw));
        // What is searched is what is seen, but for the width of tabs.
        let seen = shown(&raw).replace('\n', " ");
        proptest::prop_assert_eq!(line(&raw).replace(' ', ""), seen.replace(' ', ""));
    }
}

#[test]
fn sentences_break_between_words() {
    let check = |text: &str, width: usize, lines: &[&str]| {
        assert_eq!(super::by_words(text, width), lines, "{text} in {width}");
    };
    check("", 10, &[""]);
    check("all of it", 20, &["all of it"]);
    check("all of it", 6, &["all of", "it"]);
    check("a  b", 10, &["a  b"]);
    check("unbreakable word", 4, &["unbr", "eaka", "ble", "word"]);
    check("日本語 x", 4, &["日本", "語 x"]);
    check("日", 1, &["", ""]);
}
