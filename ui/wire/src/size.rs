//! Numbers of bytes as people read them.

const STEP: f64 = 1024.0;
const UNITS: [&str; 5] = ["B", "K", "M", "G", "T"];

/// A size in the largest unit that fits: `312M`, `1.5G`, `4G`.
pub fn size(bytes: u64) -> String {
    let mut rest = bytes as f64;
    let mut at = 0;
    while rest >= STEP && at + 1 < UNITS.len() {
        rest /= STEP;
        at += 1;
    }
    let tenths = (rest * 10.0).round() / 10.0;
    if tenths < 10.0 && tenths.fract() != 0.0 {
        format!("{tenths:.1}{}", UNITS[at])
    } else {
        format!("{:.0}{}", rest, UNITS[at])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_the_unit_that_fits() {
        let check = |bytes: u64, want: &str| assert_eq!(size(bytes), want);
        check(0, "0B");
        check(1023, "1023B");
        check(1536, "1.5K");
        check(4 << 30, "4G");
        check(312 << 20, "312M");
        check(u64::MAX, "16777216T");
    }
}
