//! Reading logs: what keys do there, and what is asked of the host for it.

use crate::action::Action;
use crate::clock;
use crate::input::Out;
use crate::layout;
use crate::logs::{Asked, Filter, Finding, Next, PAGE, What};
use crate::pane::Pane;
use crate::prompt::{Kind, Prompt};
use crate::state::{Popup, Ui};
use al_wire::{FindState, LogFind, LogPlace, LogSource, Up};

pub fn act(ui: &mut Ui, action: Action, out: &mut Vec<Out>) {
    use Action as A;
    match action {
        A::Search => ui.prompt = Some(Prompt::new(Kind::Search, "")),
        A::LogFilter => {
            let before = ui.log.filter.clone();
            let at = (ui.log.cursor, ui.log.top);
            ui.prompt = Some(Prompt::new(Kind::LogFilter { before, at }, ""));
        }
        A::GoToTime => ui.prompt = Some(Prompt::new(Kind::Time, "")),
        A::Write => write(ui),
        A::NextMatch | A::PreviousMatch if ui.log.needle.is_none() => {
            let with = with_key(ui, A::Search);
            ui.complain(format!("search{with} first"));
        }
        A::NextMatch => next(ui, What::Match, true, out),
        A::PreviousMatch => next(ui, What::Match, false, out),
        A::NextBad => next(ui, What::Error, true, out),
        A::PreviousBad => next(ui, What::Error, false, out),
        A::NextTurn => next(ui, What::Turn, true, out),
        A::PreviousTurn => next(ui, What::Turn, false, out),
        A::Fold => ui.log.unfolded = !ui.log.unfolded,
        A::Level => {
            ui.log.next_level();
            sift(ui, out);
        }
        A::Follow if ui.log.follow => ui.log.turn_to(ui.log.cursor),
        A::Follow => bottom(ui, out),
        A::Wrap => {
            ui.log.wrap = !ui.log.wrap;
            ui.log.left = 0;
        }
        A::Time => ui.log.time = ui.log.time.next(),
        A::Bookmark => match ui.log.toggle_mark() {
            Ok(true) => {
                let next = ui.settings.keymap.key(A::NextBookmark).unwrap_or_default();
                ui.say(format!("bookmark set; {next} goes to the next, :bookmarks lists them"));
            }
            Ok(false) => ui.say("bookmark taken away"),
            Err(why) => ui.complain(why),
        },
        A::NextBookmark => match ui.log.next_mark().map(|mark| mark.place.clone()) {
            Some(place) => go_to_place(ui, place, out),
            None => no_bookmarks(ui),
        },
        A::ScrollLeft => ui.log.left = ui.log.left.saturating_sub(8),
        A::ScrollRight if !ui.log.wrap => ui.log.left = (ui.log.left + 8).min(line_end(ui, 8)),
        A::LineStart => ui.log.left = 0,
        A::LineEnd if !ui.log.wrap => ui.log.left = line_end(ui, width(ui)),
        _ => {}
    }
}

/// ` with /`, as far as there is a key for it.
fn with_key(ui: &Ui, action: Action) -> String {
    let key = ui.settings.keymap.key(action);
    key.map_or_else(String::new, |key| format!(" with {key}"))
}

fn no_bookmarks(ui: &mut Ui) {
    let with = with_key(ui, Action::Bookmark);
    ui.complain(format!("no bookmarks in this log; set one{with}"));
}

fn width(ui: &Ui) -> usize {
    ui.screen().rect(Pane::Logs).map_or(80, |rect| usize::from(layout::inside(rect).width))
}

/// Columns to scroll so that the last `keep` columns of the selected record are in view.
fn line_end(ui: &Ui, keep: usize) -> usize {
    let look = crate::logs::Look { left: 0, wrap: false, ..ui.look(u16::MAX) };
    let record = ui.log.buffer.get(ui.log.cursor);
    let width = record.map_or(0, |record| {
        crate::logs::line::rows(record, None, &look).first().map_or(0, ratatui::text::Line::width)
    });
    width.saturating_sub(keep)
}

/// Level or filter changed: what is held is sifted at once, and asked for anew, so that what they
/// hide takes no room.
pub fn sift(ui: &mut Ui, out: &mut Vec<Out>) {
    ui.log.sift();
    let Some(source) = ui.log.buffer.source.clone() else { return };
    let record = ui.log.buffer.get(ui.log.cursor);
    let place = record.and_then(|record| record.place.clone()).filter(|_| !ui.log.follow);
    // What is followed from now on passes too.
    let (only, ask) = (ui.log.sieve(), ui.log.next_ask());
    tell(ui, Up::Tail { source, limit: PAGE, only, ask }, out);
    match place {
        Some(place) => window(ui, LogPlace::Place(place), ui.log.above(), out),
        None if ui.log.follow => ui.log.asked = Asked::Tail,
        None => {}
    }
}

/// Asks the host, unless the picture stands still.
fn tell(ui: &Ui, up: Up, out: &mut Vec<Out>) {
    if ui.behind.is_none() {
        out.push(Out::Send(up));
    }
}

fn window(ui: &mut Ui, place: LogPlace, above: usize, out: &mut Vec<Out>) {
    let Some(source) = ui.log.buffer.source.clone() else { return };
    if ui.behind.is_some() {
        return ui.complain("the picture is frozen; F goes on");
    }
    stop_finding(ui, out);
    ui.log.asked = Asked::Window { above };
    let (only, ask) = (ui.log.sieve(), ui.log.next_ask());
    out.push(Out::Send(Up::At { source, place, limit: PAGE, only, ask }));
}

/// Turns to a log from its end on, or from where the reader left it.
pub fn tail(ui: &mut Ui, source: LogSource, out: &mut Vec<Out>) {
    stop_finding(ui, out);
    let project = ui.setup.project.clone();
    let left = ui.log.restart(&project, source.clone());
    let (only, ask) = (ui.log.sieve(), ui.log.next_ask());
    out.push(Out::Send(Up::Tail { source, limit: PAGE, only, ask }));
    if let Some(place) = left {
        window(ui, LogPlace::Place(place), 3, out);
    }
}

pub fn top(ui: &mut Ui, out: &mut Vec<Out>) {
    if !ui.log.go_to_start() {
        window(ui, LogPlace::Start, 0, out);
    }
}

pub fn bottom(ui: &mut Ui, out: &mut Vec<Out>) {
    if !ui.log.follow_on() {
        return;
    }
    let Some(source) = ui.log.buffer.source.clone() else { return };
    stop_finding(ui, out);
    ui.log.asked = Asked::Tail;
    let (only, ask) = (ui.log.sieve(), ui.log.next_ask());
    tell(ui, Up::Tail { source, limit: PAGE, only, ask }, out);
}

pub fn go_to_place(ui: &mut Ui, place: String, out: &mut Vec<Out>) {
    match ui.log.buffer.find_place(&place) {
        Some(number) => ui.log.turn_to(number),
        None => window(ui, LogPlace::Place(place), 3, out),
    }
}

/// Goes to an instant as people write it.
pub fn go_to_time(ui: &mut Ui, text: &str, out: &mut Vec<Out>) -> Result<(), String> {
    let at_ms = clock::parse(text, ui.now_ms, ui.setup.zone_offset)?;
    window(ui, LogPlace::Time(at_ms), 3, out);
    Ok(())
}

/// The filter as it was typed.
pub fn set_filter(ui: &mut Ui, filter: Filter, out: &mut Vec<Out>) {
    ui.log.filter = filter;
    sift(ui, out);
}

/// `&` with nothing behind it turns the filter off and on again.
pub fn toggle_filter(ui: &mut Ui, before: Filter, out: &mut Vec<Out>) {
    if before.text.is_empty() {
        ui.log.filter = before;
        return ui.complain("no filter yet: &word shows what says it, &!word what does not");
    }
    set_filter(ui, Filter { on: !before.on, ..before }, out);
}

/// Records that were left out before the selected one come from disk. False when there are none.
pub fn load_gap(ui: &mut Ui, out: &mut Vec<Out>) -> bool {
    match ui.log.buffer.gap_place(ui.log.cursor).map(str::to_owned) {
        Some(place) => {
            window(ui, LogPlace::Place(place), 3, out);
            true
        }
        None => false,
    }
}

fn next(ui: &mut Ui, what: What, forward: bool, out: &mut Vec<Out>) {
    match ui.log.next(what, forward) {
        Next::Here(number) => ui.log.turn_to(number),
        Next::Beyond(from) => find(ui, what, !forward, from, out),
        Next::Nowhere => nowhere(ui, what, forward),
    }
}

fn nowhere(ui: &mut Ui, what: What, forward: bool) {
    let word = what.word();
    ui.complain(match (what, forward) {
        (What::Match, _) => "no match".to_owned(),
        (_, true) => format!("no {word} further down"),
        (_, false) => format!("no {word} further up"),
    });
}

/// Looks on at the host.
fn find(ui: &mut Ui, what: What, back: bool, from: Option<String>, out: &mut Vec<Out>) {
    let Some(source) = ui.log.buffer.source.clone() else { return };
    if ui.behind.is_some() {
        return ui.complain("the picture is frozen: only what it holds is searched; F goes on");
    }
    let around = from.is_none();
    let paused = ui.log.finding.take().filter(|last| last.what == what && last.back == back);
    let from = paused.and_then(|last| last.paused).or(from);
    ui.last_id += 1;
    let id = ui.last_id;
    ui.log.finding = Some(Finding { id, what, back, looked: 0, of: 0, paused: None });
    ui.log.follow = false;
    if around {
        ui.say(if back { "from the end" } else { "from the start" });
    }
    let (what, only) = (ui.log.wanted(what), ui.log.sieve());
    out.push(Out::Send(Up::Find { id, source, from, back, what, only, limit: PAGE }));
}

/// Ends a search on the host. False when there is none.
pub fn stop_finding(ui: &mut Ui, out: &mut Vec<Out>) -> bool {
    match ui.log.finding.take() {
        Some(finding) if finding.paused.is_none() => {
            out.push(Out::Send(Up::Unfind));
            true
        }
        _ => false,
    }
}

/// What the host says of a search.
pub fn found(ui: &mut Ui, find: LogFind) {
    let Some(finding) = ui.log.finding.as_mut().filter(|finding| finding.id == find.id) else {
        return;
    };
    (finding.looked, finding.of) = (find.looked, find.of);
    let (what, back) = (finding.what, finding.back);
    match find.state {
        FindState::Looking | FindState::Unknown => {}
        FindState::Found { chunk } => {
            ui.log.finding = None;
            ui.log.show_found(*chunk, 3);
        }
        FindState::Nothing => {
            ui.log.finding = None;
            nowhere(ui, what, !back);
        }
        FindState::Paused { place } => {
            let looked = al_wire::size(find.looked);
            finding.paused = Some(place);
            let word = what.word();
            ui.say(format!("no {word} in {looked}; the same key looks further"));
        }
    }
}

/// Offers a name for a file that takes what is shown.
fn write(ui: &mut Ui) {
    let name = match &ui.log.buffer.source {
        Some(source) => crate::view::source_name(source),
        None => return ui.complain("no log is shown"),
    };
    let plain = |c: char| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    let name: String = name.chars().map(plain).take(80).collect();
    let at = clock::full(ui.now_ms, (ui.setup.zone_offset)(ui.now_ms));
    let at: String = at.chars().filter(char::is_ascii_digit).collect();
    ui.prompt = Some(Prompt::new(Kind::Write, &format!("{name}-{at}.txt")));
}

/// Asks for what is near the ends of what is held.
pub fn ask_pages(ui: &mut Ui, out: &mut Vec<Out>) {
    // While a filter is typed, what is held is what it is tried on.
    let typing = |prompt: &Prompt| matches!(prompt.kind, Kind::LogFilter { .. });
    if ui.behind.is_some() || ui.prompt.as_ref().is_some_and(typing) {
        return;
    }
    let Some(source) = ui.log.buffer.source.clone() else { return };
    let (limit, only) = (PAGE, ui.log.sieve());
    let place = |place: Option<&str>| place.map(str::to_owned);
    if ui.log.wants_older()
        && let Some(before) = place(ui.log.buffer.first_place())
    {
        ui.log.asked = Asked::Older;
        out.push(Out::Send(Up::Older { source, before, limit, only }));
    } else if ui.log.wants_newer()
        && let Some(after) = place(ui.log.buffer.last_place())
    {
        ui.log.asked = Asked::Newer;
        out.push(Out::Send(Up::Newer { source, after, limit, only }));
    }
}

/// Lists the bookmarks of this log.
pub fn bookmarks(ui: &mut Ui) {
    match ui.log.marks.is_empty() {
        true => no_bookmarks(ui),
        false => ui.popup = Some(Popup::Bookmarks { at: 0 }),
    }
}
