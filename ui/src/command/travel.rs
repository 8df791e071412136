//! Words for going through the time of a recording.

use al_wire::Steer;

/// The fastest that time passes: a day in a minute and a half.
const FASTEST: f64 = 1_000.0;

/// `+5m`, `-30s`, `12:04`, `12:04:43`.
pub fn seek(text: &str) -> Result<Steer, String> {
    if text.is_empty() {
        return Err("`seek` needs a time: +5m, -30s, 12:04 or 12:04:43".to_owned());
    }
    let wrong = || format!("`{text}` is no time: +5m, -30s, 12:04 or 12:04:43");
    let (sign, span) = match (text.strip_prefix('+'), text.strip_prefix('-')) {
        (Some(span), _) => (1, span),
        (_, Some(span)) => (-1, span),
        _ => {
            return crate::clock::time_of_day(text)
                .map(|of_day_ms| Steer::SeekTo { at_ms: of_day_ms })
                .ok_or_else(wrong);
        }
    };
    let span_ms = crate::clock::span(span).ok_or_else(wrong)?;
    Ok(Steer::Seek { by_ms: sign * span_ms })
}

/// `0`, `1`, `0.5`, `60`.
pub fn speed(text: &str) -> Result<Steer, String> {
    let speed: f64 = text.parse().unwrap_or(-1.0);
    if !(0.0..=FASTEST).contains(&speed) {
        return Err(format!("`{text}` is no speed: 0 stands still, at most {FASTEST}"));
    }
    Ok(Steer::Speed { speed: (speed * 1_000.0) as u32 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_spans_or_of_the_day() {
        let check = |text: &str, want: Option<Steer>| assert_eq!(seek(text).ok(), want, "{text}");
        check("+5m", Some(Steer::Seek { by_ms: 300_000 }));
        check("-30s", Some(Steer::Seek { by_ms: -30_000 }));
        check("-1h30m", Some(Steer::Seek { by_ms: -5_400_000 }));
        check("12:04", Some(Steer::SeekTo { at_ms: 43_440_000 }));
        check("00:00:01", Some(Steer::SeekTo { at_ms: 1_000 }));
        for wrong in ["", "5m", "+", "+m", "+5", "+5y", "24:00", "12:4:4:4", "12:", "+-5m", "1:2x"]
        {
            check(wrong, None);
        }
    }

    #[test]
    fn speeds_have_bounds() {
        let check = |text: &str, want: Option<u32>| {
            assert_eq!(speed(text).ok(), want.map(|speed| Steer::Speed { speed }), "{text}");
        };
        check("0", Some(0));
        check("0.5", Some(500));
        check("60", Some(60_000));
        check("-1", None);
        check("1001", None);
        check("NaN", None);
        check("fast", None);
    }
}
