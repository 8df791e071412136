//! The facts about the selected row, beside the tables.

use super::paint::{frame, put, put_cut};
use crate::inspect;
use crate::layout;
use crate::rows;
use crate::state::{Subject, Ui};
use crate::text;
use crate::theme::Role;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Columns of the labels.
pub const LABEL: u16 = 10;

pub fn pane(ui: &Ui, rect: Rect, buf: &mut Buffer) {
    let subject = ui.selected(ui.table);
    frame(buf, &ui.theme, rect, false, &text::line(&inspect::title(&subject)), "i inspects");
    let inside = layout::inside(rect);
    let used = facts(ui, &subject, inside, 0, buf);
    let rest = Rect {
        y: inside.y.saturating_add(used).saturating_add(1),
        height: inside.height.saturating_sub(used).saturating_sub(1),
        ..inside
    };
    if let Subject::Agent(name) = &subject {
        runs(ui, name, rest, buf);
    }
}

/// Draws facts from the `skip`th on; the rows used.
pub fn facts(ui: &Ui, subject: &Subject, area: Rect, skip: usize, buf: &mut Buffer) -> u16 {
    let mut y = area.y;
    for fact in inspect::facts(ui, subject).iter().skip(skip) {
        if y >= area.bottom() {
            break;
        }
        put(buf, area, area.x, y, fact.label, ui.theme.style(Role::Muted));
        let value = text::cut_end(
            &fact.value,
            usize::from(area.width.saturating_sub(LABEL)),
            &ui.theme.glyphs.ellipsis,
        );
        put(buf, area, area.x.saturating_add(LABEL), y, &value, ui.theme.style(fact.role));
        y += 1;
    }
    y - area.y
}

/// The newest runs of an agent, live ones first.
fn runs(ui: &Ui, agent: &str, area: Rect, buf: &mut Buffer) {
    let none = al_wire::Query::default();
    let shown =
        rows::shown(&ui.fleet, crate::pane::Pane::Runs, &none, None, Some(agent), ui.now_ms);
    for (y, index) in (area.y..area.bottom()).zip(shown) {
        let Some(run) = ui.fleet.runs.get(index) else { continue };
        let role = rows::run_role(run.state);
        let x = put(buf, area, area.x, y, &text::line(&run.id), ui.theme.style(Role::Text));
        let state = format!("  {} {}", ui.theme.glyphs.state(role), run.state.word());
        let x = put(buf, area, x, y, &state, ui.theme.style(role));
        let why = format!("  {}", text::line(&run.trigger));
        let muted = ui.theme.style(Role::Muted);
        put_cut(buf, area, (x, y), &why, muted, &ui.theme.glyphs.ellipsis);
    }
}
