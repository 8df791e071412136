//! Medians, and the table they stand in.

use std::time::{Duration, Instant};

/// Prints its rows as they come.
pub struct Table(());

/// What is wanted of a figure.
pub enum Aim {
    AtMost(f64),
    None,
}

impl Table {
    pub fn new() -> Self {
        println!("{:<44} {:>12} {:>12} {:>8} {:>12}", "figure", "al", "floor", "ratio", "aim");
        Self(())
    }

    /// `unit` is that of all three numbers. The floor is named, since each is another.
    pub fn row(
        &mut self,
        name: &str,
        value: f64,
        (floor_name, floor): (&str, f64),
        unit: &str,
        aim: Aim,
    ) {
        let number = |n: f64| format!("{n:.prec$} {unit}", prec = if n < 100.0 { 2 } else { 0 });
        let ratio = if floor > 0.0 { format!("{:.1}", value / floor) } else { "-".to_owned() };
        let (aim, verdict) = match aim {
            Aim::AtMost(most) if value <= most => (number(most), "ok"),
            Aim::AtMost(most) => (number(most), "MISSED"),
            Aim::None => ("-".to_owned(), ""),
        };
        println!(
            "{name:<44} {:>12} {:>12} {ratio:>8} {aim:>12} {verdict:<7} floor: {floor_name}",
            number(value),
            number(floor),
        );
    }
}

pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

pub fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// How long something takes, in milliseconds.
pub fn time(what: impl FnOnce()) -> f64 {
    let began = Instant::now();
    what();
    ms(began.elapsed())
}

/// Medians of two things measured in turns, so that what else the machine does hits both.
pub fn compare(rounds: usize, mut a: impl FnMut(), mut b: impl FnMut()) -> (f64, f64) {
    let pairs = (0..rounds).map(|_| (time(&mut a), time(&mut b)));
    let (a, b): (Vec<f64>, Vec<f64>) = pairs.unzip();
    (median(a), median(b))
}
