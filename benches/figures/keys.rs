//! From a key to the screen of a console that has nothing else to do.

use std::thread;
use std::time::Duration;

use crate::measure::{Aim, Table};
use crate::project::Project;
use crate::screen::{Screen, share};

const TIMES: usize = 300;
/// A little slower than frames may follow each other.
const GAP: Duration = Duration::from_millis(25);

pub fn measure(table: &mut Table) {
    let mut echo = Screen::echo();
    let mut floor = Vec::new();
    for n in 0..TIMES {
        // The terminal itself says what was typed.
        let text = format!("{n:03}");
        let began = std::time::Instant::now();
        echo.press(&text);
        echo.shows(&text);
        floor.push(crate::measure::ms(began.elapsed()));
        echo.press("\n");
    }
    floor.sort_by(f64::total_cmp);
    let near = Project::new(20, r#""true""#);
    let far = Project::new(20, r#""true""#);
    let scheduler = far.start();
    for (name, project, words) in [
        ("al start", &near, &["start", "--port", "0"] as &[&str]),
        ("al attach", &far, &["attach"]),
    ] {
        let mut console = Screen::al(project, words);
        console.shows("agent-19");
        console.press("5");
        console.shows("[5 Logs");
        thread::sleep(Duration::from_secs(1));
        let times = console.latencies("w", ["wrap on", "wrap off"], TIMES, GAP);
        for percent in [50, 99] {
            let figure = format!("{name}: key to screen, {percent} of 100");
            let floor = ("echo", share(&floor, percent));
            table.row(&figure, share(&times, percent), floor, "ms", Aim::AtMost(16.0));
        }
    }
    drop(scheduler);
}
