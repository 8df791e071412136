//! To other schedulers, and through the time of recordings.

use crate::clock::DAY_MS;
use crate::input::Out;
use crate::state::Ui;
use al_wire::{Steer, Up};

/// Asks what carries the messages for something.
pub fn steer(ui: &mut Ui, steer: Steer, out: &mut Vec<Out>) -> Result<(), String> {
    let steer = match steer {
        Steer::Turn { environment } => {
            if !ui.setup.environments.contains(&environment) {
                return Err(no_such(ui, &environment));
            }
            Steer::Turn { environment }
        }
        _ if !ui.way.recorded() => {
            return Err("only a recording (`al replay`) has a time to go to".to_owned());
        }
        // A time of day is that of the day which is shown.
        Steer::SeekTo { at_ms } => {
            let zone_ms = i64::from((ui.setup.zone_offset)(ui.now_ms)) * 1_000;
            let day = (ui.now_ms + zone_ms).div_euclid(DAY_MS) * DAY_MS;
            Steer::SeekTo { at_ms: day - zone_ms + at_ms }
        }
        steer => steer,
    };
    out.push(Out::Send(Up::Steer(steer)));
    Ok(())
}

fn no_such(ui: &Ui, environment: &str) -> String {
    match &ui.setup.environments[..] {
        [] => "no environment can be turned to here (`al attach` can)".to_owned(),
        known => format!("no environment called `{environment}`; there are {}", known.join(", ")),
    }
}

pub fn environments(ui: &mut Ui) {
    match &ui.setup.environments[..] {
        [] => ui.complain("no environment can be turned to here (`al attach` can)"),
        known => {
            let known = known.join(", ");
            ui.say(format!("environments: {known}; :ctx <name> turns to one"));
        }
    }
}

/// Begins a recording of what this console is told, or ends the one that goes on.
pub fn record(ui: &mut Ui, file: Option<String>, out: &mut Vec<Out>) -> Result<(), String> {
    if ui.fleet.host.is_none() {
        return Err("there is nothing to record yet".to_owned());
    }
    match (file, ui.recording) {
        (Some(_), true) => return Err("a recording goes on; `:record` alone ends it".to_owned()),
        (None, false) => return Err("`record` needs a file".to_owned()),
        (file, _) => out.push(Out::Record(file)),
    }
    // What is on the screen is said again, so that it is in the file.
    let again = !ui.recording && ui.behind.is_none();
    if let Some(source) = ui.log.buffer.source.clone().filter(|_| again) {
        super::logs::tail(ui, source, out);
        ui.pictures.counts.ask_anew();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialog::GUARD_MS;
    use crate::fixture::{Desk, NOW_MS, snapshot};
    use crate::input::Input;
    use al_wire::{Command, Down, Link, Scope, Snapshot};

    fn recording(at_ms: i64, speed: u32, ended: bool) -> Down {
        Down::Link(Link::Recording { at_ms, speed, ended, cut: false })
    }

    #[test]
    fn time_is_that_of_the_recording_and_may_go_back() {
        let mut desk = Desk::new();
        desk.hear(recording(NOW_MS - 60_000, 2_000, false));
        assert!(desk.row(0).contains("REPLAY  13:03:43 x2"), "{}", desk.row(0));
        desk.wait(10_000);
        assert!(desk.row(0).contains("13:04:03 x2"), "{}", desk.row(0));
        // The next second there is half a second away.
        assert_eq!(desk.ui.next_due_ms(), Some(desk.now_ms + 500));
        desk.hear(recording(NOW_MS - 3_600_000, 1_000, false));
        assert!(desk.row(0).contains("REPLAY  12:04:43  "), "{}", desk.row(0));
    }

    #[test]
    fn where_time_stands_still_the_console_does_not() {
        let mut desk = Desk::new();
        desk.hear(recording(NOW_MS, 0, false));
        assert_eq!(desk.ui.next_due_ms(), None, "nothing moves by itself");
        desk.press("q");
        let opened_ms = desk.ui.dialog.as_ref().unwrap().opened_ms;
        desk.wait(GUARD_MS);
        assert!(desk.ui.beat_ms >= opened_ms + GUARD_MS);
        assert_eq!(desk.ui.now_ms, NOW_MS);
    }

    #[test]
    fn the_end_of_a_recording_is_told_once_and_stays_in_the_first_line() {
        let mut desk = Desk::new();
        desk.hear(recording(NOW_MS, 1_000, false)).hear(recording(NOW_MS, 0, true));
        assert_eq!(desk.last_row(), "the recording ends here; :seek goes back");
        assert!(desk.row(0).contains("REPLAY  13:04:43 end"), "{}", desk.row(0));
        desk.press("j").hear(recording(NOW_MS, 0, true));
        assert!(!desk.last_row().contains("ends here"));
    }

    #[test]
    fn a_recording_that_was_cut_off_says_so_at_its_end() {
        let mut desk = Desk::new();
        desk.hear(recording(NOW_MS, 1_000, false)).hear(recording(NOW_MS, 0, true));
        assert!(desk.last_row().contains("the recording ends here; :seek"), "{}", desk.last_row());
        let cut = Link::Recording { at_ms: NOW_MS, speed: 0, ended: true, cut: true };
        desk.hear(recording(NOW_MS, 1_000, false)).hear(Down::Link(cut));
        assert!(desk.last_row().contains("in the middle of a message"), "{}", desk.last_row());
    }

    #[test]
    fn seek_and_speed_are_asked_of_a_recording_alone() {
        let mut desk = Desk::new();
        desk.press(": 'seek +5m' Enter");
        assert!(desk.last_row().contains("only a recording"), "{}", desk.last_row());
        desk.press("Esc").hear(recording(NOW_MS, 1_000, false));
        desk.press(": 'seek +5m' Enter : 'seek 12:00' Enter : 'speed 8' Enter");
        let steer = |steer| Up::Steer(steer);
        let midnight = NOW_MS - NOW_MS.rem_euclid(DAY_MS);
        let expected = [
            steer(Steer::Seek { by_ms: 300_000 }),
            // The zone of the tests is an hour east.
            steer(Steer::SeekTo { at_ms: midnight + 11 * 3_600_000 }),
            steer(Steer::Speed { speed: 8_000 }),
        ];
        assert_eq!(desk.sent(), expected);
    }

    #[test]
    fn another_environment_starts_from_nothing() {
        let mut desk = Desk::new();
        desk.press(": 'ctx prod' Enter");
        let complaint = "! no environment called `prod`; there are staging, vps1";
        assert!(desk.last_row().contains(complaint), "{}", desk.last_row());
        desk.press("Esc : 'ctx vps1' Enter");
        let turn = Up::Steer(Steer::Turn { environment: "vps1".into() });
        assert_eq!(desk.sent(), [turn]);
        desk.press("j 2 / 'x' Enter p");
        let link = Link::Turned { environment: "vps1".into(), project: "far-bots".into() };
        desk.hear(Down::Link(link));
        assert!(desk.row(0).starts_with("al far-bots  REMOTE vps1  starting"), "{}", desk.row(0));
        // Nothing can be asked of the old one any more.
        desk.out.clear();
        desk.press("p");
        assert_eq!(desk.commands(), [] as [Command; 0]);
        desk.hear(Down::Snapshot(Box::new(Snapshot { seq: 1, ..snapshot() })));
        assert_eq!((desk.selected(), desk.ui.fleet.seq), ("dev", 1));
        desk.press("p");
        assert_eq!(desk.commands(), [Command::pause(Scope::Agent("dev".into()))]);
        // Ids go on, so that a late answer is nobody's.
        assert!(desk.ui.last_id > 0);
    }

    #[test]
    fn what_belongs_to_the_console_outlives_a_turn() {
        let mut desk = Desk::new();
        desk.ui.attention.bell = true;
        desk.press(": 'record x.ndjson' Enter 5 v");
        desk.ui.recording = true;
        desk.out.clear();
        let link = Link::Turned { environment: "vps1".into(), project: "far-bots".into() };
        desk.hear(Down::Link(link));
        // A recording is of one scheduler; `Out::Record` ends it.
        assert!(desk.ui.recording && desk.out.contains(&Out::Record(None)));
        assert!(desk.ui.log.memory.to_text().contains("acme-bots"), "how its logs were read");
        assert!(desk.ui.attention.bell);
        assert_eq!(desk.ui.setup.shell_suffix, " -E vps1");
    }

    #[test]
    fn a_turn_that_is_refused_changes_nothing() {
        let mut desk = Desk::new();
        let before = desk.row(0);
        desk.hear(Down::Link(Link::Refused { why: "nobody answers".into() }));
        assert_eq!((desk.row(0), desk.last_row()), (before, "! nobody answers".to_owned()));
    }

    #[test]
    fn a_recording_says_again_what_is_on_the_screen() {
        let mut desk = Desk::new();
        desk.press(": 'record x.ndjson' Enter");
        let [Out::Record(Some(file)), Out::Send(Up::Tail { .. })] = &desk.out[..] else {
            panic!("{:?}", desk.out)
        };
        assert_eq!(file, "x.ndjson");
        desk.ui.recording = true;
        desk.give(Input::Tick);
        assert!(desk.row(0).contains("REC"), "{}", desk.row(0));
        desk.out.clear();
        desk.press(": 'record' Enter");
        assert_eq!(desk.out, [Out::Record(None)]);
    }
}
