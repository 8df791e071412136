//! How many colours a terminal has, and which of them is nearest to a wanted one.

use ratatui::style::Color;

/// The ladder of colours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// Attributes only.
    Mono,
    Ansi16,
    Ansi256,
    #[default]
    True,
}

/// Terminals that know 256 colours without saying so in their name.
const KNOW_256: [&str; 8] =
    ["256color", "kitty", "alacritty", "ghostty", "wezterm", "foot", "iterm", "konsole"];
/// Terminals without colours.
const KNOW_NONE: [&str; 4] = ["dumb", "vt100", "vt102", "vt220"];

impl Depth {
    /// What `COLORTERM` and `TERM` say.
    pub fn of(colorterm: Option<&str>, term: Option<&str>) -> Self {
        let term = term.unwrap_or_default();
        if KNOW_NONE.contains(&term) || term.ends_with("-m") {
            return Self::Mono;
        }
        let says = colorterm.unwrap_or_default().to_ascii_lowercase();
        match () {
            () if says == "truecolor" || says == "24bit" || term.ends_with("-direct") => Self::True,
            () if KNOW_256.iter().any(|known| term.contains(known)) => Self::Ansi256,
            () if term.is_empty() => Self::Mono,
            () => Self::Ansi16,
        }
    }

    /// The colour itself, or the nearest that this terminal has; none without colours.
    pub fn nearest(self, color: Color) -> Color {
        match (self, color) {
            (Self::True, color) => color,
            (Self::Mono, _) => Color::Reset,
            (Self::Ansi256, Color::Rgb(r, g, b)) => {
                let found = (16..=u8::MAX).min_by_key(|n| distance(indexed(*n), (r, g, b)));
                Color::Indexed(found.unwrap_or(u8::MAX))
            }
            (Self::Ansi16, Color::Rgb(r, g, b)) => sixteenth((r, g, b)),
            (Self::Ansi16, Color::Indexed(n)) if n >= 16 => sixteenth(indexed(n)),
            (Self::Ansi16, Color::Indexed(n)) => super::ansi(n),
            (_, color) => color,
        }
    }
}

fn sixteenth(rgb: (u8, u8, u8)) -> Color {
    super::ansi((0..16).min_by_key(|n| distance(SIXTEEN[usize::from(*n)], rgb)).unwrap_or(7))
}

/// What most terminals show for the sixteen colours; the user's may differ.
const SIXTEEN: [(u8, u8, u8); 16] = [
    (0, 0, 0),
    (205, 0, 0),
    (0, 205, 0),
    (205, 205, 0),
    (0, 0, 238),
    (205, 0, 205),
    (0, 205, 205),
    (229, 229, 229),
    (127, 127, 127),
    (255, 0, 0),
    (0, 255, 0),
    (255, 255, 0),
    (92, 92, 255),
    (255, 0, 255),
    (0, 255, 255),
    (255, 255, 255),
];

/// The colour behind a number: sixteen, then a cube of six steps, then greys.
fn indexed(n: u8) -> (u8, u8, u8) {
    match n {
        0..16 => SIXTEEN[usize::from(n)],
        16..232 => {
            let step = |n: u8| if n == 0 { 0 } else { 55 + 40 * n };
            let n = n - 16;
            (step(n / 36), step(n / 6 % 6), step(n % 6))
        }
        232..=u8::MAX => {
            let grey = 8 + 10 * (n - 232);
            (grey, grey, grey)
        }
    }
}

/// How different two colours look, with red and blue weighted by how much red there is.
fn distance(a: (u8, u8, u8), b: (u8, u8, u8)) -> i64 {
    let (dr, dg, db) = (
        i64::from(a.0) - i64::from(b.0),
        i64::from(a.1) - i64::from(b.1),
        i64::from(a.2) - i64::from(b.2),
    );
    let red = (i64::from(a.0) + i64::from(b.0)) / 2;
    (512 + red) * dr * dr + 1024 * dg * dg + (767 - red) * db * db
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ladder_follows_what_the_terminal_says() {
        let check = |colorterm: &str, term: &str, expected: Depth| {
            let some = |text: &'static str| Some(text).filter(|text| !text.is_empty());
            let colorterm = some(colorterm.to_owned().leak());
            assert_eq!(Depth::of(colorterm, some(term.to_owned().leak())), expected, "{term}");
        };
        check("truecolor", "xterm-256color", Depth::True);
        check("24bit", "xterm", Depth::True);
        check("", "xterm-direct", Depth::True);
        check("yes", "xterm-256color", Depth::Ansi256);
        check("", "tmux-256color", Depth::Ansi256);
        check("", "xterm-kitty", Depth::Ansi256);
        check("", "xterm", Depth::Ansi16);
        check("", "linux", Depth::Ansi16);
        check("truecolor", "dumb", Depth::Mono);
        check("", "vt100", Depth::Mono);
        check("", "", Depth::Mono);
    }

    #[test]
    fn colours_become_the_nearest_there_is() {
        let coral = Color::Rgb(0xe0, 0x6c, 0x75);
        assert_eq!(Depth::True.nearest(coral), coral);
        assert_eq!(Depth::Ansi256.nearest(coral), Color::Indexed(168));
        assert_eq!(Depth::Ansi16.nearest(coral), Color::DarkGray);
        assert_eq!(Depth::Ansi16.nearest(Color::Rgb(250, 30, 20)), Color::LightRed);
        assert_eq!(Depth::Ansi16.nearest(Color::Indexed(2)), Color::Green);
        assert_eq!(Depth::Mono.nearest(coral), Color::Reset);
        for depth in [Depth::Ansi16, Depth::Ansi256] {
            assert_eq!(depth.nearest(Color::Green), Color::Green);
            assert_eq!(depth.nearest(Color::Reset), Color::Reset);
        }
        for n in 16..=255 {
            let (r, g, b) = indexed(n);
            let Color::Indexed(found) = Depth::Ansi256.nearest(Color::Rgb(r, g, b)) else {
                panic!()
            };
            assert_eq!(indexed(found), (r, g, b));
        }
    }
}
