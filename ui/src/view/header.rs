//! The first line, which says how things are, and the tab line.

use super::paint::put;
use crate::clock;
use crate::pane::Pane;
use crate::state::{Ui, Way};
use crate::text;
use crate::theme::Role;
use al_wire::HostMode;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

/// `3/8`, or `3` when nothing limits it.
pub fn running(ui: &Ui) -> String {
    let running = ui.fleet.running();
    match ui.fleet.host.as_ref().and_then(|host| host.scale) {
        Some(scale) => format!("{running}/{scale}"),
        None => running.to_string(),
    }
}

pub fn header(ui: &Ui, rect: Rect, buf: &mut Buffer) {
    let mut x = rect.x;
    for (text, role) in parts(ui) {
        let width = u16::try_from(text.width()).unwrap_or(u16::MAX);
        if x.saturating_add(width) > rect.right() {
            // What is to be mended is said as far as it goes.
            let room = usize::from(rect.right().saturating_sub(x));
            if role == Role::Danger && room > 12 {
                let text = text::cut_end(&text, room, &ui.theme.glyphs.ellipsis);
                put(buf, rect, x, rect.y, &text, ui.theme.style(role));
            }
            break;
        }
        x = put(buf, rect, x, rect.y, &text, ui.theme.style(role)).saturating_add(2);
    }
}

/// What the header says, most important first.
fn parts(ui: &Ui) -> Vec<(String, Role)> {
    let fleet = &ui.fleet;
    // A host far away knows its name better than whoever has its address.
    let told = fleet.host.as_ref().filter(|_| ui.setup.remote).map(|host| &host.project);
    let name = text::line(told.unwrap_or(&ui.setup.project));
    let project = text::cut_middle(&name, 24, &ui.theme.glyphs.ellipsis);
    let mut parts = vec![(format!("al {project}"), Role::Header)];
    let environment = fleet.host.as_ref().and_then(|host| host.environment.as_deref());
    let environment = ui.environment.as_deref().or(environment);
    parts.push(match (ui.setup.remote, environment) {
        _ if ui.way.recorded() => ("REPLAY".to_owned(), Role::Strong),
        (true, name) => (
            format!("REMOTE {}", text::line(name.unwrap_or_default())).trim_end().to_owned(),
            Role::Strong,
        ),
        (false, _) => ("LOCAL".to_owned(), Role::Text),
    });
    match &ui.way {
        Way::Here => {}
        Way::Open { round_trip_ms } => parts.push((format!("{round_trip_ms} ms"), Role::Muted)),
        Way::Lost { why, since_ms } => {
            let lost = clock::running(ui.beat_ms - since_ms);
            parts.push((format!("LOST {lost} ({})", text::line(why)), Role::Danger));
        }
        Way::Recorded { speed, ended, .. } => {
            let time = clock::seconds(ui.now_ms, (ui.setup.zone_offset)(ui.now_ms));
            let how = match (*speed, *ended) {
                (_, true) => " end".to_owned(),
                (0, false) => " still".to_owned(),
                (1_000, false) => String::new(),
                (speed, false) => format!(" x{}", f64::from(speed) / 1_000.0),
            };
            parts.push((format!("{time}{how}"), Role::Muted));
        }
    }
    match fleet.host.as_ref().map(|host| host.mode) {
        None | Some(HostMode::Starting) => parts.push(("starting".to_owned(), Role::StateWaiting)),
        Some(HostMode::Draining) => parts.push(("DRAINING".to_owned(), Role::Danger)),
        Some(HostMode::Running | HostMode::Unknown) => {}
    }
    if fleet.paused() {
        parts.push(("PAUSED".to_owned(), Role::StatePaused));
    }
    if ui.behind.is_some() {
        parts.push(("FROZEN".to_owned(), Role::StatePaused));
    }
    if ui.recording {
        parts.push(("REC".to_owned(), Role::Danger));
    }
    if ui.setup.read_only {
        parts.push(("READ-ONLY".to_owned(), Role::Strong));
    }
    let Some(host) = &fleet.host else { return parts };
    parts.push((format!("run {}", running(ui)), role_if(fleet.running() > 0, Role::StateRunning)));
    parts.push((format!("queue {}", fleet.queued()), Role::Text));
    parts.push((
        format!("fail {}", fleet.failing()),
        role_if(fleet.failing() > 0, Role::StateFailed),
    ));
    if fleet.asking() > 0 {
        parts.push((format!("WAIT {}", fleet.asking()), Role::StateWaiting));
    }
    if !fleet.needs.is_empty() {
        parts.push((format!("alerts {}", fleet.needs.len()), Role::Danger));
    }
    if let [newest, ..] = fleet.alerts() {
        parts.push((text::line(&newest.sentence()), Role::Danger));
    }
    if ui.lagged > 0 {
        parts.push((format!("missed {}", ui.lagged), Role::Danger));
    }
    if let Some(gateway) = &host.gateway {
        parts.push((format!("gateway {}", text::line(gateway)), Role::Muted));
    }
    parts
}

fn role_if(holds: bool, role: Role) -> Role {
    if holds { role } else { Role::Text }
}

/// Panes and where their tabs are.
pub fn tabs(ui: &Ui) -> Vec<(Pane, Rect)> {
    let Some(line) = ui.screen().tabs else { return Vec::new() };
    let mut x = line.x;
    let mut tabs = Vec::new();
    for pane in Pane::ALL {
        let width = u16::try_from(tab(ui, pane).width()).unwrap_or(0);
        tabs.push((pane, Rect::new(x, line.y, width, 1).intersection(line)));
        x = x.saturating_add(width + 1);
    }
    tabs
}

fn tab(ui: &Ui, pane: Pane) -> String {
    let count = match pane {
        Pane::Queues if ui.fleet.queued() > 0 => format!(" {}", ui.fleet.queued()),
        Pane::Alerts if !ui.fleet.needs.is_empty() => format!(" {}", ui.fleet.needs.len()),
        _ => String::new(),
    };
    let name = format!("{} {}{count}", pane.index() + 1, pane.title());
    if ui.focus() == pane { format!("[{name}]") } else { format!(" {name} ") }
}

pub fn tab_line(ui: &Ui, buf: &mut Buffer) {
    let mut end = 0;
    for (pane, rect) in tabs(ui) {
        let role = if ui.focus() == pane { Role::Strong } else { Role::Text };
        end = put(buf, rect, rect.x, rect.y, &tab(ui, pane), ui.theme.style(role));
    }
    let Some(line) = ui.screen().tabs else { return };
    let trail = trail(ui);
    let width = u16::try_from(trail.width() + 1).unwrap_or(u16::MAX);
    if line.right() > width && line.right() - width > end + 1 {
        put(buf, line, line.right() - width, line.y, &trail, ui.theme.style(Role::Muted));
    }
}

/// `Home > dev > log of dev-1a2b3c4d`: what Esc leads out of.
fn trail(ui: &Ui) -> String {
    let mut steps = Vec::new();
    if let Some(scope) = &ui.place.scope {
        steps.push(text::line(scope));
    }
    if let Some(pin) = &ui.place.pin {
        let attempt = match pin {
            al_wire::LogSource::Run(id) => ui.fleet.run(id).map_or(0, |run| run.attempt),
            _ => 0,
        };
        let attempt = if attempt > 1 { format!(" attempt {attempt}") } else { String::new() };
        steps.push(format!("log of {}{attempt}", super::logs::source_name(pin)));
    }
    if steps.is_empty() { String::new() } else { format!("Home > {}", steps.join(" > ")) }
}
