//! The file in which this console keeps what it is told, while somebody wants that.

use crate::state::Ui;
use al_wire::Down;
use al_wire::recording::{Header, Recorder, Said};
use std::fs::{File, OpenOptions, remove_file};
use std::io::{self, ErrorKind};
use std::os::unix::fs::OpenOptionsExt;

/// The largest recording.
const MOST: u64 = 1 << 30;

#[derive(Debug, Default)]
pub struct Tape {
    going: Option<(String, Recorder<File>)>,
}

impl Tape {
    /// Begins with what is known already.
    pub fn begin(&mut self, ui: &mut Ui, file: &str, header: &Header) {
        match start(ui, file, header) {
            Ok(recorder) => {
                self.going = Some((file.to_owned(), recorder));
                ui.recording = true;
                ui.say(format!("recording to {file}; :record ends it"));
            }
            Err(error) => ui.complain(format!("{file}: {error}")),
        }
    }

    pub fn end(&mut self, ui: &mut Ui) {
        if let Some((file, recorder)) = self.going.take() {
            ui.recording = false;
            ui.say(format!(
                "{} messages recorded; al replay {file} shows them",
                recorder.entries()
            ));
        }
    }

    /// Keeps a message, when a recording goes on. One that cannot be kept ends it.
    pub fn keep(&mut self, ui: &mut Ui, at_ms: i64, said: impl FnOnce() -> Said) {
        let Some((file, recorder)) = &mut self.going else { return };
        let Err(error) = recorder.keep(at_ms, said()) else { return };
        let why = match error.kind() {
            ErrorKind::FileTooLarge => "it is as large as a recording may be".to_owned(),
            _ => error.to_string(),
        };
        ui.complain(format!("the recording {file} has ended: {why}"));
        ui.recording = false;
        self.going = None;
    }
}

fn start(ui: &Ui, file: &str, header: &Header) -> io::Result<Recorder<File>> {
    // What runs said is nobody else's business; a file that is there is not touched.
    let to = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
    // Nothing in a file is only in the way of the next try.
    let mut recorder =
        Recorder::begin(to, header, MOST).inspect_err(|_| drop(remove_file(file)))?;
    let fleet = ui.behind.as_ref().map_or(&ui.fleet, |behind| &behind.fleet);
    if let Some(snapshot) = fleet.snapshot(header.at_ms) {
        recorder.keep(header.at_ms, Said::Down(Down::Snapshot(Box::new(snapshot))))?;
        let loads = fleet.loads.clone();
        recorder.keep(header.at_ms, Said::Down(Down::Loads { loads }))?;
    }
    Ok(recorder)
}
