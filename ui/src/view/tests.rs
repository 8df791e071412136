mod goldens;
mod screens;

use crate::fixture::{Desk, more, records, styled, tail, work};
use crate::input::Input;
use crate::terminal::Quiet;
use crate::view::{buffer, view};
use al_wire::*;
use proptest::prelude::*;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::{Terminal, TerminalOptions, Viewport};

/// Sizes of the layouts: one column, two, three, and the smallest.
const SIZES: [(u16, u16); 4] = [(80, 24), (120, 40), (200, 60), (60, 12)];

#[test]
fn every_layout_in_every_theme() {
    for theme in ["terminal", "mono"] {
        for size in SIZES {
            let desk = Desk::at(size, theme);
            let name = format!("{theme}_{}x{}", size.0, size.1);
            insta::assert_snapshot!(name, styled(&buffer(&desk.ui)));
        }
    }
}

#[test]
fn panes_and_overlays() {
    let check = |name: &str, keys: &str| {
        let mut desk = Desk::new();
        desk.press(keys);
        insta::assert_snapshot!(format!("view_{name}"), desk.screen());
    };
    check("runs", "2");
    check("queues", "3");
    check("triggers", "4");
    check("logs_wrapped_and_searched", "5 w / '403' Enter");
    check("help", "?");
    check("help_searched", "? / 'scale' Enter");
    check("inspect_run", "2 i");
    check("drilled_into_agent", "Enter");
    check("filtered", "/ 're'");
    check("command_line", ": 'kill d'");
    check("command_line_error", ": 'scale dev banana' Enter");
    check("prefix_keys", "g");
    check("staged_scale", "+ +");
    check("start_form", "s 'fix it'");
    check("leave", "q");
}

#[test]
fn the_first_frame_comes_before_the_first_snapshot() {
    let desk = Desk::fresh((80, 24), "terminal");
    assert_eq!(desk.row(0), "al acme-bots  LOCAL  starting");
    assert!(desk.screen().contains("starting ..."));
}

#[test]
fn a_question_of_the_scheduler_stands_with_its_consequences() {
    let mut desk = Desk::new();
    desk.press("X");
    desk.hear(Down::Reply { id: 1, reply: Reply::NeedsConfirm(confirm(Level::Wide)) });
    insta::assert_snapshot!("view_confirm_wide", styled(&buffer(&desk.ui)));
}

pub fn confirm(level: Level) -> Confirm {
    Confirm {
        token: "t-9".into(),
        level,
        title: "kill 2 runs of dev?".into(),
        impact: vec!["ends 2 processes after 4m03s".into(), "dev-000000c1 starts next".into()],
        cli: "al kill dev".into(),
        accept: "Kill".into(),
        word: (level == Level::Wide).then(|| "kill 2".into()),
        left: Vec::new(),
    }
}

#[test]
fn the_log_names_what_is_missing() {
    let mut desk = Desk::new();
    let source = LogSource::Agent("dev".into());
    desk.hear(Down::Log(LogChunk { skipped: 1_204, ..more(source, records(50..52)) }));
    let screen = desk.screen();
    assert!(
        screen.contains("-- 1,204 records not received, Enter loads them from disk --"),
        "{screen}"
    );
}

#[test]
fn selection_is_reversed_and_colours_are_absent_in_mono() {
    let desk = Desk::at((80, 24), "mono");
    let buf = buffer(&desk.ui);
    let reversed = |y| buf[(4, y)].modifier.contains(Modifier::REVERSED);
    assert_eq!((3..8).filter(|y| reversed(*y)).collect::<Vec<_>>(), [4]);
    let plain = |cell: &ratatui::buffer::Cell| {
        cell.fg == ratatui::style::Color::Reset && cell.bg == ratatui::style::Color::Reset
    };
    assert!(buf.content.iter().all(plain));
}

/// Views that keys lead to.
const VIEWS: [&str; 17] = [
    "1", "2", "3", "4", "5", "z", "5 z w", "?", "i", "2 i", "s", "q", ": 'ki'", "/ 'x'", "T",
    "g s", "6",
];

#[test]
fn no_size_panics_and_the_hint_line_stays_last() {
    let grid = |widths: std::ops::RangeInclusive<u16>, heights: std::ops::RangeInclusive<u16>| {
        widths.flat_map(move |width| heights.clone().map(move |height| (width, height)))
    };
    for keys in ["1", "q", ": 'ki'"] {
        check_sizes(keys, grid(1..=60, 1..=20));
    }
    let odd = [(99, 19), (100, 16), (160, 15), (400, 100), (65_535, 1), (0, 0), (9, 9)];
    for keys in VIEWS {
        check_sizes(keys, grid(60..=64, 12..=20).chain(odd));
    }
}

fn check_sizes(keys: &str, sizes: impl Iterator<Item = (u16, u16)>) {
    let mut desk = Desk::new();
    desk.press(keys);
    for (width, height) in sizes {
        desk.give(Input::Resize(width, height));
        let screen = desk.screen();
        if width < 60 || height < 12 {
            continue;
        }
        let last = desk.last_row();
        assert!(!last.trim().is_empty(), "{keys} {width}x{height}\n{screen}");
        assert!(!last.contains(['│', '║', '─', '═']), "{keys} {width}x{height}\n{screen}");
        assert!(screen.contains('╔'), "no focus: {keys} {width}x{height}\n{screen}");
    }
}

#[test]
fn a_screen_that_is_too_small_says_so_and_comes_back_as_it_was() {
    let mut desk = Desk::new();
    let before = desk.press("j j").screen();
    desk.give(Input::Resize(40, 8));
    insta::assert_snapshot!(desk.screen(), @r"
    al 6 agents  run 3/8
    fail 2  queue 3
    need 60x12, have 40x8




    q leave
    ");
    desk.give(Input::Resize(1, 1)).give(Input::Resize(80, 24));
    assert_eq!(desk.screen(), before);
}

#[test]
fn what_a_row_says_cannot_drive_the_terminal() {
    let mut desk = Desk::new();
    let mut evil = crate::fixture::agent("evil", AgentState::Idle, 0, 0);
    evil.status_text = Some("\u{1b}]0;owned\u{7}\u{1b}[2Jx\u{202e}".into());
    desk.hear(Down::Delta(Delta { seq: 42, at_ms: 0, puts: vec![Row::Agent(evil)] }));
    let source = LogSource::Agent("dev".into());
    let record =
        crate::fixture::record(99, LogLevel::Info, "\u{1b}[2J\u{1b}]52;c;eA==\u{7}bell\u{7}");
    desk.hear(Down::Log(more(source, vec![record])));
    let control = |cell: &ratatui::buffer::Cell| cell.symbol().chars().any(char::is_control);
    assert!(!buffer(&desk.ui).content.iter().any(control));
    assert!(desk.screen().contains("bell^G"));
}

#[test]
fn the_ascii_glyphs_are_all_that_is_needed() {
    for keys in VIEWS {
        let mut desk = Desk::at((200, 60), "terminal");
        desk.ui.theme.glyphs = crate::theme::Glyphs::ascii();
        let screen = desk.press(keys).screen();
        assert!(screen.is_ascii(), "{keys}\n{screen}");
        assert!(screen.contains("+= "), "{keys}: the focus is a double line\n{screen}");
    }
}

#[test]
fn an_idle_console_wakes_for_nothing() {
    let mut desk = Desk::fresh((200, 60), "terminal");
    let mut idle = crate::fixture::snapshot();
    idle.runs.retain(|run| run.state.ended());
    desk.hear(Down::Snapshot(Box::new(idle)));
    assert_eq!(desk.ui.next_due_ms(), None);
    let mut emulated = Emulated::new(desk.ui.size);
    emulated.draw(&desk);
    desk.wait(3_600_000);
    assert_eq!(emulated.draw(&desk), 0);
}

#[test]
fn a_live_run_ticks_once_a_second() {
    let desk = Desk::new();
    assert_eq!(desk.ui.next_due_ms(), Some(desk.now_ms + 1_000));
}

/// Collects bytes where a test can take them out.
#[derive(Debug, Clone, Default)]
struct Sink(std::rc::Rc<std::cell::RefCell<Vec<u8>>>);

impl std::io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What the terminal shows after the bytes of the real backend.
struct Emulated {
    terminal: Terminal<Quiet<Sink>>,
    sink: Sink,
    screen: vt100::Parser,
    size: (u16, u16),
}

impl Emulated {
    fn new(size: (u16, u16)) -> Self {
        crossterm::style::force_color_output(true);
        let options =
            TerminalOptions { viewport: Viewport::Fixed(Rect::new(0, 0, size.0, size.1)) };
        let sink = Sink::default();
        Self {
            terminal: Terminal::with_options(
                Quiet::new(sink.clone(), crate::theme::Depth::True),
                options,
            )
            .unwrap(),
            sink,
            screen: vt100::Parser::new(size.1.try_into().unwrap(), size.0.try_into().unwrap(), 0),
            size,
        }
    }

    /// Draws, and returns how many bytes that took.
    fn draw(&mut self, desk: &Desk) -> usize {
        if desk.ui.size != self.size {
            *self = Self::new(desk.ui.size);
        }
        self.terminal.draw(|frame| view(&desk.ui, frame)).unwrap();
        let bytes = self.sink.0.take();
        self.screen.process(&bytes);
        bytes.len()
    }

    fn shows(&self, desk: &Desk) {
        let buf = buffer(&desk.ui);
        for y in 0..buf.area.height {
            for x in 0..buf.area.width {
                let (cell, seen) = (&buf[(x, y)], self.screen.screen().cell(y, x).unwrap());
                if seen.is_wide_continuation() {
                    continue;
                }
                let text = if seen.has_contents() { seen.contents() } else { " " };
                assert_eq!(cell.symbol(), text, "at {x},{y}");
                let has = |modifier| cell.modifier.contains(modifier);
                // The emulator knows one weight at a time; agents may ask for both.
                if has(Modifier::BOLD) && has(Modifier::DIM) {
                    continue;
                }
                let attributes = (
                    has(Modifier::BOLD),
                    has(Modifier::DIM),
                    has(Modifier::UNDERLINED),
                    has(Modifier::REVERSED),
                );
                assert_eq!(
                    attributes,
                    (seen.bold(), seen.dim(), seen.underline(), seen.inverse()),
                    "at {x},{y}"
                );
                assert_eq!(color(cell.fg), seen.fgcolor(), "at {x},{y}");
                assert_eq!(color(cell.bg), seen.bgcolor(), "at {x},{y}");
            }
        }
    }
}

fn color(color: ratatui::style::Color) -> vt100::Color {
    match color {
        ratatui::style::Color::Reset => vt100::Color::Default,
        ratatui::style::Color::Rgb(r, g, b) => vt100::Color::Rgb(r, g, b),
        ratatui::style::Color::Indexed(n) => vt100::Color::Idx(n),
        named => vt100::Color::Idx((0..16).find(|n| crate::theme::ansi(*n) == named).unwrap()),
    }
}

#[test]
fn nothing_is_written_while_nothing_changes() {
    let mut desk = Desk::at((120, 40), "terminal");
    let mut emulated = Emulated::new(desk.ui.size);
    assert!(emulated.draw(&desk) > 0);
    assert_eq!(emulated.draw(&desk), 0);
    desk.press(": 'ki'");
    assert!(emulated.draw(&desk) > 0);
    assert_eq!(emulated.draw(&desk), 0, "with the cursor shown");
    desk.press("Esc");
    emulated.draw(&desk);
    desk.press("j k");
    desk.hear(Down::Log(tail(LogSource::Agent("other".into()), records(0..3))));
    assert_eq!(emulated.draw(&desk), 0, "after changes that cancel out");
}

fn input() -> impl Strategy<Value = String> {
    let keys = [
        "j", "k", "G", "g g", "1", "2", "3", "4", "5", "Tab", "z", "w", "t", "v", "e", "?", "i",
        "Esc", "Enter", "/ 'de'", "+", "q", ": 'run'", "s", "f", "l", "h", "F", "Ctrl-d", "[", "y",
        "T", "g s", "<", ">", "(", "6",
    ];
    proptest::sample::select(keys.to_vec()).prop_map(str::to_owned)
}

#[test]
fn drawing_everything_again_needs_no_answer_of_the_terminal() {
    let desk = Desk::new();
    let mut emulated = Emulated::new(desk.ui.size);
    let first = emulated.draw(&desk);
    emulated.screen.process(b"\x1b[2Jgarbage");
    emulated.terminal.clear().unwrap();
    assert!(!emulated.sink.0.borrow().windows(4).any(|bytes| bytes == b"\x1b[6n"));
    assert!(emulated.draw(&desk) >= first);
    emulated.shows(&desk);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn the_terminal_shows_what_was_drawn_after_any_keys(
        keys in proptest::collection::vec((input(), 0..4_u8), 1..16),
        mono: bool,
        wide: bool,
    ) {
        let size = if wide { (164, 30) } else { (80, 24) };
        let mut desk = Desk::at(size, if mono { "mono" } else { "terminal" });
        let mut emulated = Emulated::new(size);
        for (n, (key, data)) in (0_i64..).zip(keys) {
            desk.press(&key);
            if data == 0 {
                let source = LogSource::Agent("dev".into());
                desk.hear(Down::Log(more(source, records(100 + n..102 + n))));
            }
            emulated.draw(&desk);
            emulated.shows(&desk);
        }
    }
}

#[test]
fn an_agent_at_work_is_read_turn_by_turn() {
    let check = |name: &str, theme: &str, keys: &str| {
        let mut desk = Desk::at((80, 24), theme);
        desk.press("5 z");
        let source = desk.ui.log.buffer.source.clone().unwrap();
        desk.hear(Down::Log(tail(source, work()))).press(keys);
        insta::assert_snapshot!(format!("view_{name}"), styled(&buffer(&desk.ui)));
    };
    check("turns", "terminal", "G");
    check("turns_mono", "mono", "G");
    check("turns_unfolded", "terminal", "{ { c");
    check("turns_no_further", "terminal", "{ { {");
}
