//! Whether the terminal is dark or light: what it answers, what its environment says.

/// The background of a terminal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Appearance {
    #[default]
    Dark,
    Light,
}

/// What a theme is made for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum MadeFor {
    #[default]
    Any,
    Only(Appearance),
}

impl MadeFor {
    pub fn word(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Only(Appearance::Dark) => "dark",
            Self::Only(Appearance::Light) => "light",
        }
    }
}

impl Appearance {
    /// The end of `COLORFGBG`, as in `15;0`: the number of the background's colour.
    pub fn of_colorfgbg(text: &str) -> Option<Self> {
        let background: u8 = text.rsplit(';').next()?.parse().ok()?;
        match background {
            0..=6 | 8 => Some(Self::Dark),
            7 | 9..=15 => Some(Self::Light),
            _ => None,
        }
    }

    /// What a terminal answers when it is asked for its background: `rgb:1b1b/2323/3030`.
    pub fn of_answer(text: &str) -> Option<Self> {
        let parts = text.strip_prefix("rgb:").or(text.strip_prefix("rgba:"))?;
        let mut shares = parts.split('/').map(|part| {
            let most = 16_u32.checked_pow(u32::try_from(part.len()).ok()?)?.checked_sub(1)?;
            let value = u32::from_str_radix(part, 16).ok()?;
            (most > 0).then(|| f64::from(value) / f64::from(most))
        });
        let (r, g, b) = (shares.next()??, shares.next()??, shares.next()??);
        let light = 0.299 * r + 0.587 * g + 0.114 * b > 0.5;
        Some(if light { Self::Light } else { Self::Dark })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Appearance::{Dark, Light};

    #[test]
    fn backgrounds_are_dark_or_light() {
        let check = |text: &str, expected: Option<Appearance>| {
            assert_eq!(Appearance::of_answer(text), expected, "{text}");
        };
        check("rgb:0000/0000/0000", Some(Dark));
        check("rgb:1b/23/30", Some(Dark));
        check("rgb:ffff/ffff/ffff", Some(Light));
        check("rgba:fdfd/f6f6/e3e3/ffff", Some(Light));
        check("rgb:f/f/f", Some(Light));
        for odd in ["", "rgb:", "rgb:1/2", "rgb:x/y/z", "rgb://", "rgb:fffffffff/0/0"] {
            check(odd, None);
        }
        let check = |text: &str, expected| assert_eq!(Appearance::of_colorfgbg(text), expected);
        check("15;0", Some(Dark));
        check("0;15", Some(Light));
        check("0;default;7", Some(Light));
        check("0;default", None);
    }
}
