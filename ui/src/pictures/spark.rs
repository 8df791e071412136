//! Numbers as bars of characters: each four levels high, in Braille two to a column.

use crate::theme::Glyphs;

/// Levels of one character.
const LEVELS: u64 = 4;
/// Stands where nothing is known.
pub const UNKNOWN: char = '-';

/// How several buckets become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Join {
    Sum,
    Most,
}

/// At most `slots` values, the newest last. A group of which a part is unknown is unknown.
pub fn grouped(values: &[Option<u64>], slots: usize, join: Join) -> Vec<Option<u64>> {
    let size = values.len().div_ceil(slots.max(1)).max(1);
    let join = |group: &[Option<u64>]| {
        let known = group.iter().copied().collect::<Option<Vec<u64>>>()?;
        match join {
            Join::Sum => Some(known.into_iter().fold(0, u64::saturating_add)),
            Join::Most => known.into_iter().max(),
        }
    };
    let mut groups: Vec<Option<u64>> = values.rchunks(size).map(join).collect();
    groups.reverse();
    groups
}

/// Bars one row high in at most `width` columns.
pub fn line(values: &[Option<u64>], width: usize, join: Join, glyphs: &Glyphs) -> String {
    let slots = if glyphs.braille { width * 2 } else { width };
    let values = grouped(values, slots, join);
    let most = values.iter().flatten().copied().max().unwrap_or(0);
    let per_cell = if glyphs.braille { 2 } else { 1 };
    let cells = values.rchunks(per_cell).map(|pair| {
        let [left, right] = match *pair {
            [one] => [None, Some(one)],
            [left, right] => [Some(left), Some(right)],
            _ => [None, None],
        };
        // What lies before the first bucket is blank in both sets.
        let of = |value: Option<Option<u64>>| value.unwrap_or(Some(0));
        cell([of(left), of(right)], most, 0, LEVELS, glyphs)
    });
    let mut cells: Vec<char> = cells.collect();
    cells.reverse();
    cells.into_iter().collect()
}

/// Bars `height` rows high, a column for each of the values; top row first. `most` is as high as
/// the rows are.
pub fn chart(values: &[Option<u64>], most: u64, height: usize, glyphs: &Glyphs) -> Vec<String> {
    let height = height.max(1);
    let levels = LEVELS.saturating_mul(height as u64);
    let row = |row: usize| {
        let below = LEVELS * (height - 1 - row) as u64;
        values.iter().map(|value| cell([*value; 2], most, below, levels, glyphs)).collect()
    };
    (0..height).map(row).collect()
}

/// Two bars in one character that shows the levels above `below`.
fn cell(pair: [Option<u64>; 2], most: u64, below: u64, levels: u64, glyphs: &Glyphs) -> char {
    let [Some(left), Some(right)] = pair else {
        return if below == 0 { UNKNOWN } else { ' ' };
    };
    let level = |value: u64| level(value, most, levels).saturating_sub(below).min(LEVELS);
    if !glyphs.braille {
        return [' ', '.', ':', '|', '#'][usize::try_from(level(right)).unwrap_or(0).min(4)];
    }
    // Dots of the left and the right column, from the bottom up.
    const DOTS: [[u32; 4]; 2] = [[0x40, 0x04, 0x02, 0x01], [0x80, 0x20, 0x10, 0x08]];
    let mut dots = 0;
    for (column, value) in DOTS.iter().zip([left, right]) {
        dots |= (0..level(value)).zip(column).map(|(_, dot)| dot).sum::<u32>();
    }
    if dots == 0 { ' ' } else { char::from_u32(0x2800 + dots).unwrap_or(' ') }
}

/// Something that is not zero is seen.
fn level(value: u64, most: u64, levels: u64) -> u64 {
    match (value, most) {
        (0, _) | (_, 0) => 0,
        (value, most) => {
            let share = u128::from(value) * u128::from(levels);
            u64::try_from(share.div_ceil(u128::from(most))).unwrap_or(levels).min(levels)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some(values: &[u64]) -> Vec<Option<u64>> {
        values.iter().copied().map(Some).collect()
    }

    #[test]
    fn bars_are_as_high_as_their_numbers() {
        let check = |values: &[Option<u64>], width, braille: &str, ascii: &str| {
            assert_eq!(line(values, width, Join::Sum, &Glyphs::unicode()), braille);
            assert_eq!(line(values, width, Join::Sum, &Glyphs::ascii()), ascii);
        };
        check(&some(&[0, 1, 2, 3, 4, 4]), 6, "⢀⣴⣿", " .:|##");
        check(&some(&[0, 0, 1_000_000, 1]), 4, " ⣇", "  #.");
        check(&some(&[0, 0]), 4, " ", "  ");
        check(&[None, Some(1), Some(1), Some(1)], 4, "-⣿", "-###");
        check(&[], 4, "", "");
        // An odd one stands alone at the old end.
        check(&some(&[4, 2, 4]), 4, "⢸⣼", "#:#");
        check(&[Some(u64::MAX), Some(1)], 1, "⣇", "#");
    }

    #[test]
    fn groups_end_with_the_newest() {
        let check = |slots, join, want: &[Option<u64>]| {
            let values = [None, Some(1), Some(2), Some(3), Some(4)];
            assert_eq!(grouped(&values, slots, join), want);
        };
        check(5, Join::Sum, &[None, Some(1), Some(2), Some(3), Some(4)]);
        check(3, Join::Sum, &[None, Some(3), Some(7)]);
        check(3, Join::Most, &[None, Some(2), Some(4)]);
        check(1, Join::Most, &[None]);
        check(0, Join::Sum, &[None]);
    }

    #[test]
    fn a_chart_stands_on_its_last_row() {
        let values = [None, Some(0), Some(1), Some(4), Some(8)];
        let chart = |glyphs: &Glyphs| chart(&values, 8, 2, glyphs);
        assert_eq!(chart(&Glyphs::ascii()), ["    #", "- .##"]);
        assert_eq!(chart(&Glyphs::unicode()), ["    ⣿", "- ⣀⣿⣿"]);
    }
}
