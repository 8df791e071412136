//! Runs over time: a lane for each agent, a column for each step of time.

use super::paint::{frame, put, put_cut, tint};
use crate::clock;
use crate::layout;
use crate::pane::Pane;
use crate::pictures::timeline::{Mark, Spot, Window, by_agent, end_of, lane};
use crate::rows;
use crate::state::Ui;
use crate::text;
use crate::theme::Role;
use crate::update::{lanes, timeline_columns};
use al_wire::RunRow;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

/// Widest name of a lane.
const NAME: u16 = 20;
/// Rows above the lanes: the axis and the triggers. And below: the run under the cursor, the signs.
const ABOVE: u16 = 2;
const BELOW: u16 = 2;

/// Where the lanes are, right of their names.
pub fn timeline_area(ui: &Ui) -> Rect {
    let rect = ui.screen().panes.first().map(|(_, rect)| layout::inside(*rect)).unwrap_or_default();
    let widest = ui.fleet.agents.iter().map(|agent| agent.name.width()).max().unwrap_or(0);
    let name = u16::try_from(widest).unwrap_or(NAME).clamp(8, NAME).min(rect.width / 3);
    let left = name + 3;
    Rect::new(
        rect.x.saturating_add(left),
        rect.y.saturating_add(ABOVE),
        rect.width.saturating_sub(left),
        rect.height.saturating_sub(ABOVE + BELOW),
    )
}

pub fn pane(ui: &Ui, rect: Rect, buf: &mut Buffer) {
    let window = ui.pictures.timeline.window(timeline_columns(ui), ui.now_ms);
    let title = format!("Timeline, a column is {}", length(window.step_ms));
    frame(buf, &ui.theme, rect, ui.focus() == Pane::Timeline, &title, &notes(ui, &window));
    let area = timeline_area(ui);
    let inside = layout::inside(rect);
    if area.width == 0 || area.height == 0 {
        return;
    }
    let row = |y: u16| Rect { y, height: 1, ..inside };
    axis(ui, &window, area, row(inside.y), buf);
    triggers(ui, &window, area, row(inside.y + 1), buf);
    let runs = by_agent(&ui.fleet);
    let mut under: Option<Spot<'_>> = None;
    let names = lanes(ui).into_iter().flatten().enumerate().skip(ui.pictures.top);
    for (y, (_, name)) in (area.top()..area.bottom()).zip(names) {
        let chosen = ui.pictures.lane.as_deref() == Some(name);
        let spots = lane(runs.get(name).map_or(&[][..], Vec::as_slice), &window);
        label(ui, name, chosen, area, row(y), buf);
        if chosen {
            under = spots.get(window.cursor).copied();
        }
        bars(ui, &window, &spots, Rect { y, height: 1, ..area }, buf);
        if chosen {
            let cursor = u16::try_from(window.cursor).unwrap_or(u16::MAX);
            let cell = Rect::new(area.x.saturating_add(cursor), y, 1, 1).intersection(area);
            tint(buf, cell, ui.theme.style(Role::Selection));
        }
    }
    if ui.fleet.agents.is_empty() {
        put(buf, area, area.x, area.y, "no agents yet", ui.theme.style(Role::Muted));
    }
    under_cursor(ui, &window, under, row(area.bottom()), buf);
    signs(ui, row(area.bottom() + 1), buf);
}

/// A length without a rest.
fn length(ms: i64) -> String {
    match ms / 1_000 {
        s @ 0..60 => format!("{s}s"),
        s @ 60..3_600 => format!("{}m", s / 60),
        s => format!("{}h", s / 3_600),
    }
}

fn notes(ui: &Ui, window: &Window) -> String {
    let past = &ui.pictures.timeline.past;
    if past.waits() {
        return "asking for older runs".to_owned();
    }
    if !past.whole() {
        return "too many runs: the oldest are missing, > looks closer".to_owned();
    }
    if window.follows { "follows now".to_owned() } else { "End: back to now".to_owned() }
}

/// Times of day at round distances, and dates where a column is long.
fn axis(ui: &Ui, window: &Window, area: Rect, line: Rect, buf: &mut Buffer) {
    let muted = ui.theme.style(Role::Column);
    let offset_ms = |at_ms: i64| i64::from((ui.setup.zone_offset)(at_ms)) * 1_000;
    // Ticks are so far apart that their labels fit.
    const EVERY_S: [i64; 13] =
        [60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400, 604_800];
    let least_ms = window.step_ms.saturating_mul(10);
    let every = EVERY_S.iter().map(|s| s * 1_000).find(|ms| *ms >= least_ms).unwrap_or(least_ms);
    let offset = offset_ms(window.from_ms);
    let mut at_ms = (window.from_ms + offset).div_euclid(every) * every - offset;
    let mut free = line.x;
    while at_ms < window.end_ms() {
        if let Some(column) = window.column(at_ms) {
            let x = area.x.saturating_add(u16::try_from(column).unwrap_or(u16::MAX));
            let label = clock::near(at_ms, ui.now_ms, (ui.setup.zone_offset)(at_ms));
            let label = if every < clock::DAY_MS && (at_ms - ui.now_ms).abs() >= clock::DAY_MS {
                let time = clock::seconds(at_ms, (ui.setup.zone_offset)(at_ms));
                format!("{label} {}", &time[..5])
            } else {
                label
            };
            let width = u16::try_from(label.width()).unwrap_or(u16::MAX).saturating_add(1);
            if x >= free && x.saturating_add(width) <= line.right() {
                let tick = ui.theme.glyphs.plain[5];
                let end = put(buf, line, x, line.y, tick, muted);
                free = put(buf, line, end, line.y, &label, muted).saturating_add(1);
            }
        }
        at_ms += every;
    }
    if window.column(window.now_ms).is_some() {
        put(buf, line, line.x, line.y, "  now", muted);
        let now = clock::seconds(window.now_ms, (ui.setup.zone_offset)(window.now_ms));
        put(buf, line, line.x.saturating_add(6), line.y, &now[..5], ui.theme.style(Role::Strong));
    }
}

/// What fired, all agents in one row.
fn triggers(ui: &Ui, window: &Window, area: Rect, line: Rect, buf: &mut Buffer) {
    put(buf, line, line.x, line.y, "  fired", ui.theme.style(Role::Muted));
    let mut worst: Vec<Option<(u8, Role)>> = vec![None; window.columns];
    let mut fired = |at_ms: i64, role: Role| {
        let weight = match role {
            Role::StateFailed => 3,
            Role::StatePaused => 2,
            Role::StateIdle => 0,
            _ => 1,
        };
        if let Some(mark) = window.column(at_ms).and_then(|column| worst.get_mut(column))
            && mark.is_none_or(|(known, _)| known < weight)
        {
            *mark = Some((weight, role));
        }
    };
    let oldest = ui.fleet.triggers.last().map_or(i64::MAX, |trigger| trigger.at_ms);
    for trigger in &ui.fleet.triggers {
        let role = rows::outcome_role(trigger.outcome);
        // That it led to runs is said by the lanes.
        let role = if role == Role::StateRunning { Role::StateQueued } else { role };
        fired(trigger.at_ms, role);
    }
    // Of what is longer ago, the runs are left.
    for run in ui.fleet.known_runs() {
        if run.queued_ms < oldest {
            fired(run.queued_ms, Role::StateQueued);
        }
    }
    for (x, mark) in (area.x..area.right()).zip(worst) {
        let Some((_, role)) = mark else { continue };
        let sign = match role {
            Role::StateQueued => "'",
            Role::StateFailed => "!",
            Role::StatePaused => "-",
            _ => "?",
        };
        put(buf, line, x, line.y, sign, ui.theme.style(role));
    }
}

fn label(ui: &Ui, name: &str, chosen: bool, area: Rect, line: Rect, buf: &mut Buffer) {
    let mark = if chosen { ui.theme.glyphs.cursor.as_str() } else { " " };
    put(buf, line, line.x, line.y, mark, ui.theme.style(Role::Strong));
    let room = usize::from(area.x.saturating_sub(line.x).saturating_sub(3));
    let name = text::cut_middle(&text::line(name), room, &ui.theme.glyphs.ellipsis);
    let role = if chosen { Role::Strong } else { Role::Text };
    put(buf, line, line.x.saturating_add(2), line.y, &name, ui.theme.style(role));
}

fn bars(ui: &Ui, window: &Window, spots: &[Spot<'_>], line: Rect, buf: &mut Buffer) {
    let glyphs = &ui.theme.glyphs;
    let now = window.column(window.now_ms);
    for (column, (x, spot)) in (line.x..line.right()).zip(spots).enumerate() {
        let (sign, role) = match spot.mark {
            // The line of the present.
            Mark::Nothing if now == Some(column) => (glyphs.plain[5], Role::Muted),
            Mark::Nothing => continue,
            Mark::Runs => {
                let ended = spot.run.is_none_or(|run| run.state.ended());
                let role = if ended { Role::Text } else { Role::StateRunning };
                const MANY: [&str; 8] = ["2", "3", "4", "5", "6", "7", "8", "9"];
                let many = spot.at_once.checked_sub(2).map(|n| MANY[n.min(MANY.len() - 1)]);
                (many.unwrap_or(glyphs.plain[4]), role)
            }
            Mark::Queued => (glyphs.state(Role::StateQueued), Role::StateQueued),
            mark => {
                let role = role(mark);
                (glyphs.state(role), role)
            }
        };
        put(buf, line, x, line.y, sign, ui.theme.style(role));
    }
}

fn role(mark: Mark) -> Role {
    match mark {
        Mark::Nothing => Role::Muted,
        Mark::Queued => Role::StateQueued,
        Mark::Runs | Mark::Lives => Role::StateRunning,
        Mark::Well => Role::StateDone,
        Mark::Dropped | Mark::Killed => Role::StatePaused,
        Mark::Waits => Role::StateWaiting,
        Mark::Badly => Role::StateFailed,
    }
}

/// Says what is under the cursor.
fn under_cursor(ui: &Ui, window: &Window, spot: Option<Spot<'_>>, line: Rect, buf: &mut Buffer) {
    let at_ms = window.start_of(window.cursor);
    let offset_s = (ui.setup.zone_offset)(at_ms);
    let time = match (at_ms - ui.now_ms).abs() < clock::DAY_MS {
        true => clock::seconds(at_ms, offset_s),
        false => clock::full(at_ms, offset_s),
    };
    let x = put(buf, line, line.x, line.y, &format!("  {time}  "), ui.theme.style(Role::Muted));
    let Some(run) = spot.as_ref().and_then(|spot| spot.run) else {
        put(buf, line, x, line.y, "nothing", ui.theme.style(Role::Muted));
        return;
    };
    let x = put(buf, line, x, line.y, &text::line(&run.id), ui.theme.style(Role::Strong));
    let role = rows::run_role(run.state);
    let state = format!("  {} {}", ui.theme.glyphs.state(role), run.state.word());
    let x = put(buf, line, x, line.y, &state, ui.theme.style(role));
    let more = spot.map_or(0, |spot| spot.runs.saturating_sub(1));
    let more = if more == 0 { String::new() } else { format!("  (and {more} more here)") };
    let said = format!("{}{more}  {}", spent(ui, run), text::line(&run.trigger));
    let style = ui.theme.style(Role::Text);
    put_cut(buf, line, (x, line.y), &said, style, &ui.theme.glyphs.ellipsis);
}

/// How long it took or has taken.
fn spent(ui: &Ui, run: &RunRow) -> String {
    match run.started_ms {
        Some(started_ms) => {
            format!(" {}", clock::running(end_of(run, ui.now_ms) - started_ms))
        }
        None => String::new(),
    }
}

/// What the signs mean.
fn signs(ui: &Ui, line: Rect, buf: &mut Buffer) {
    let glyphs = &ui.theme.glyphs;
    let mut x = line.x.saturating_add(2);
    for (sign, word, role) in [
        (glyphs.state(Role::StateQueued), "queued", Role::StateQueued),
        (glyphs.plain[4], "runs", Role::Text),
        (glyphs.state(Role::StateRunning), "now", Role::StateRunning),
        (glyphs.state(Role::StateWaiting), "waits", Role::StateWaiting),
        (glyphs.state(Role::StateDone), "well", Role::StateDone),
        (glyphs.state(Role::StateFailed), "badly", Role::StateFailed),
        (glyphs.state(Role::StatePaused), "killed", Role::StatePaused),
        ("2", "at once", Role::Text),
    ] {
        // Half a word explains nothing.
        if usize::from(line.right().saturating_sub(x)) < sign.width() + 1 + word.width() {
            break;
        }
        x = put(buf, line, x, line.y, sign, ui.theme.style(role)).saturating_add(1);
        x = put(buf, line, x, line.y, word, ui.theme.style(Role::Muted)).saturating_add(2);
    }
}
