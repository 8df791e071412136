//! The form behind `s`.

use super::paint::{clear, frame, put, tint};
use crate::form::{ACCEPT, CANCEL, FIELDS};
use crate::layout::{inside, middle};
use crate::state::Ui;
use crate::text;
use crate::theme::Role;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

/// Columns before what is typed.
const LABEL: u16 = 10;

/// Draws the form; where the cursor stands.
pub fn form(ui: &Ui, area: Rect, buf: &mut Buffer) -> Option<Position> {
    let form = ui.form.as_ref()?;
    let lines = u16::try_from(FIELDS.len()).unwrap_or(0);
    let rect = middle(area, 76, lines + 6);
    clear(buf, rect);
    frame(buf, &ui.theme, rect, true, "Start a run", "");
    let inner = inside(rect);
    let inner =
        Rect { x: inner.x.saturating_add(1), width: inner.width.saturating_sub(2), ..inner };
    let room = usize::from(inner.width.saturating_sub(LABEL + 1)).max(1);
    let mut cursor = None;
    let fields = FIELDS.iter().zip(&form.inputs).enumerate();
    for (y, (n, ((label, hint), input))) in (inner.y..inner.bottom()).zip(fields) {
        let focused = n == form.focus;
        let role = if focused { Role::Strong } else { Role::Muted };
        put(buf, inner, inner.x, y, label, ui.theme.style(role));
        let x = inner.x.saturating_add(LABEL);
        let skip = input.visual_scroll(room);
        let shown: String = text::line(input.value()).chars().skip(skip).collect();
        let (shown, role) = match input.value().is_empty() {
            true => ((*hint).to_owned(), Role::Ghost),
            false => (shown, Role::Text),
        };
        put(buf, inner, x, y, &shown, ui.theme.style(role));
        if focused {
            tint(
                buf,
                Rect::new(x, y, inner.right().saturating_sub(x), 1),
                ui.theme.style(Role::Match),
            );
            let at = u16::try_from(input.visual_cursor().saturating_sub(skip)).unwrap_or(0);
            cursor = Some(Position::new(x.saturating_add(at), y));
        }
    }
    let bottom = inner.bottom();
    let width = usize::from(inner.width);
    let below = |n: u16| Rect { y: bottom.saturating_sub(n), height: 1, ..inner };
    let line = match &form.error {
        Some(error) => (format!("! {}", text::line(error)), Role::FlashError),
        None => {
            let suffix = text::line(&ui.setup.shell_suffix);
            (format!("shell: {}{suffix}", text::line(&form.cli())), Role::Muted)
        }
    };
    let shown = text::cut_end(&line.0, width, &ui.theme.glyphs.ellipsis);
    put(buf, inner, inner.x, below(3).y, &shown, ui.theme.style(line.1));
    let mut x = inner.x;
    for (place, label) in [(CANCEL, "Cancel"), (ACCEPT, "Start")] {
        let label =
            if form.focus == place { format!("[ {label} ]") } else { format!("  {label}  ") };
        let end = put(buf, inner, x, below(1).y, &label, ui.theme.style(Role::Text));
        if form.focus == place {
            let rect = Rect::new(x, below(1).y, end.saturating_sub(x), 1);
            tint(buf, rect, ui.theme.style(Role::Selection));
        }
        x = end.saturating_add(2);
    }
    cursor.filter(|at| inner.contains(*at))
}
