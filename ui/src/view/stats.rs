//! Numbers over time: of all agents or of one, each measure with its scale, sum and highest point.

use super::paint::{frame, put, put_cut};
use crate::clock;
use crate::layout;
use crate::pane::Pane;
use crate::pictures::counts::{Values, values};
use crate::pictures::spark::{self, Join};
use crate::pictures::{Counts, Span};
use crate::state::Ui;
use crate::text;
use crate::theme::Role;
use al_wire::{Measure, RunState, Series, size, story};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Columns of the scale, left of the bars.
const SCALE: u16 = 9;
/// Rows of bars at most.
const HIGHEST: u16 = 6;

pub fn pane(ui: &Ui, rect: Rect, buf: &mut Buffer) {
    let who = ui.pictures.lane.as_deref().map_or("all agents".to_owned(), text::line);
    let Counts { span, .. } = &ui.pictures.counts;
    let title = format!("Stats of {who}, {}", span.title());
    let series = ui.pictures.counts.series(*span);
    let told = series.map(|series| {
        let at = clock::seconds(series.at_ms, (ui.setup.zone_offset)(series.at_ms));
        format!("counted at {}", &at[..5])
    });
    frame(buf, &ui.theme, rect, ui.focus() == Pane::Stats, &title, &told.unwrap_or_default());
    let inside = layout::inside(rect);
    let Some(series) = series else {
        let style = ui.theme.style(Role::Muted);
        let what = "not counted yet (older schedulers and recordings count nothing)";
        put(buf, inside, inside.x.saturating_add(2), inside.y, what, style);
        return loads(ui, Rect { y: inside.y.saturating_add(1), ..inside }, buf);
    };
    // Loads, axis and signs stand below.
    let count = Measure::ALL.len() as u16;
    let bars = (inside.height.saturating_sub(3) / count).saturating_sub(1).min(HIGHEST);
    let mut y = inside.y;
    for measure in Measure::ALL {
        let block = Rect { y, height: bars + 1, ..inside }.intersection(inside);
        one(ui, series, measure, block, buf);
        y = y.saturating_add(bars + 1);
    }
    let row = |y: u16| Rect { y, height: 1, ..inside }.intersection(inside);
    if bars > 0 {
        axis(ui, series, row(y), buf);
        y = y.saturating_add(1);
    }
    loads(ui, row(y), buf);
    let signs = format!(
        "  {} nothing is known, blank is 0; < wider, > closer, j k another agent",
        spark::UNKNOWN
    );
    let (at, muted) = ((inside.x, y.saturating_add(1)), ui.theme.style(Role::Muted));
    put_cut(buf, inside, at, &signs, muted, &ui.theme.glyphs.ellipsis);
}

/// A column for each bucket, or one for two where there is no room for more.
fn slots(series: &Series, width: u16) -> usize {
    let buckets = series.buckets as usize;
    let room = usize::from(width.saturating_sub(SCALE + 1));
    if buckets <= room { buckets } else { room.max(1) }
}

/// The measure in words, then its bars.
fn one(ui: &Ui, series: &Series, measure: Measure, area: Rect, buf: &mut Buffer) {
    if area.height == 0 {
        return;
    }
    let span = ui.pictures.counts.span;
    let counted = values(series, ui.pictures.lane.as_deref(), measure);
    let bad = measure == Measure::Failed && counted.sum() > 0;
    let role = if bad { Role::StateFailed } else { Role::Text };
    let x = area.x.saturating_add(2);
    let name = format!("{:<10}", name(measure));
    let x = put(buf, area, x, area.y, &name, ui.theme.style(Role::Strong));
    let words = words(ui, series, measure, &counted, span);
    put_cut(buf, area, (x, area.y), &words, ui.theme.style(role), &ui.theme.glyphs.ellipsis);
    let height = area.height - 1;
    if height == 0 || counted.uncounted {
        return;
    }
    let join = if measure == Measure::Queued { Join::Most } else { Join::Sum };
    let grouped = spark::grouped(&counted.values, slots(series, area.width), join);
    let most = grouped.iter().flatten().copied().max().unwrap_or(0);
    let rows = spark::chart(&grouped, most, usize::from(height), &ui.theme.glyphs);
    let muted = ui.theme.style(Role::Muted);
    for (y, bars) in (area.y + 1..area.bottom()).zip(&rows) {
        let scale = match (y == area.y + 1, y + 1 == area.bottom()) {
            (true, _) => amount(measure, most),
            (_, true) => "0".to_owned(),
            _ => String::new(),
        };
        let width = usize::from(SCALE - 1);
        put(buf, area, area.x, y, &format!("{scale:>width$}"), muted);
        let style = ui.theme.style(if bad { Role::StateFailed } else { Role::Text });
        put(buf, area, area.x.saturating_add(SCALE), y, bars, style);
    }
}

fn name(measure: Measure) -> &'static str {
    match measure {
        Measure::Accepted => "new runs",
        Measure::Ended => "ended",
        Measure::Failed => "failed",
        Measure::Queued => "queue",
        Measure::Tokens => "tokens",
        Measure::CostMicros => "cost",
        Measure::Unknown => "",
    }
}

/// A number with its unit where that is not said by the name.
fn amount(measure: Measure, n: u64) -> String {
    match measure {
        Measure::CostMicros => story::cost(n as f64 / 1_000_000.0),
        _ => story::tokens(n),
    }
}

fn words(ui: &Ui, series: &Series, measure: Measure, counted: &Values, span: Span) -> String {
    if counted.uncounted {
        return format!("not counted for the {}", span.title());
    }
    let all = counted.values.len();
    if counted.unknown() == all {
        return "nothing is known".to_owned();
    }
    let sum = match measure {
        Measure::Queued => match counted.values.last().copied().flatten() {
            Some(now) => format!("{now} of late"),
            None => "not known of late".to_owned(),
        },
        _ => format!("{} in all", amount(measure, counted.sum())),
    };
    let most = counted.most().map_or(String::new(), |(at, n)| {
        let at_ms = series.from_ms.saturating_add(series.every_ms.saturating_mul(at as i64));
        let offset_s = (ui.setup.zone_offset)(at_ms);
        let time = clock::seconds(at_ms, offset_s);
        let day = match (ui.now_ms - at_ms).abs() < clock::DAY_MS {
            true => String::new(),
            false => format!("{} ", clock::near(at_ms, ui.now_ms, offset_s)),
        };
        let per = if measure == Measure::Queued { "at once" } else { span.bucket() };
        let sign = if measure == Measure::Queued { " " } else { " in " };
        format!(", most {}{sign}{per} at {day}{}", amount(measure, n), &time[..5])
    });
    let unknown = match counted.unknown() {
        0 => String::new(),
        n => format!(", {n} of {all} not known"),
    };
    // Used tokens are told by the run, and only the hours know when.
    let when = match measure {
        Measure::Tokens | Measure::CostMicros if span == Span::Hour => " (of ended runs)",
        _ => "",
    };
    format!("{sum}{when}{most}{unknown}")
}

/// When the bars begin and end.
fn axis(ui: &Ui, series: &Series, line: Rect, buf: &mut Buffer) {
    let size = series.buckets as usize;
    let group = size.div_ceil(slots(series, line.width).max(1)).max(1);
    let columns = u16::try_from(size.div_ceil(group)).unwrap_or(u16::MAX);
    let label = |at_ms: i64| {
        let offset_s = (ui.setup.zone_offset)(at_ms);
        match (ui.now_ms - at_ms).abs() < clock::DAY_MS {
            true => clock::seconds(at_ms, offset_s)[..5].to_owned(),
            false => clock::near(at_ms, ui.now_ms, offset_s),
        }
    };
    let muted = ui.theme.style(Role::Column);
    let left = line.x.saturating_add(SCALE);
    let end = put(buf, line, left, line.y, &label(series.from_ms), muted);
    let last = label(series.at_ms);
    let width = u16::try_from(last.len()).unwrap_or(0);
    let x = left.saturating_add(columns).saturating_sub(width);
    put(buf, line, x.max(end.saturating_add(1)), line.y, &last, muted);
}

/// What runs use of the machine now.
fn loads(ui: &Ui, line: Rect, buf: &mut Buffer) {
    let lane = ui.pictures.lane.as_deref();
    let ours = ui.fleet.runs.iter().filter(|run| lane.is_none_or(|agent| run.agent == agent));
    let live = ours.filter(|run| !run.state.ended() && run.state != RunState::Queued);
    let (mut runs, mut measured, mut cpu, mut memory) = (0, 0, None, 0_u64);
    for run in live {
        runs += 1;
        let Some(load) = ui.fleet.load(run) else { continue };
        measured += 1;
        memory = memory.saturating_add(load.memory_bytes);
        cpu = match (cpu, load.cpu_percent) {
            (known, None) => known,
            (known, Some(percent)) => Some(known.unwrap_or(0_u32).saturating_add(percent)),
        };
    }
    let used = match (runs, measured) {
        (0, _) => "nothing runs".to_owned(),
        (runs, 0) => format!("not known of {runs} in progress"),
        (runs, measured) => {
            let cpu = cpu.map_or("cpu not known yet".to_owned(), |n| format!("cpu {n}%"));
            let of = if measured == runs { String::new() } else { format!("{measured} of ") };
            format!("{cpu}, memory {}, measured of {of}{runs} in progress", size(memory))
        }
    };
    let x = line.x.saturating_add(2);
    let x = put(buf, line, x, line.y, "load now  ", ui.theme.style(Role::Strong));
    let style = ui.theme.style(Role::Text);
    put_cut(buf, line, (x, line.y), &used, style, &ui.theme.glyphs.ellipsis);
}
