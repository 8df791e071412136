//! `al` on a terminal of our own: what is on its screen, how many frames it drew, and how long a key
//! takes until it can be read.

use std::io::{Read, Write};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use crate::measure::ms;
use crate::project::{AL, Project};

const SIZE: PtySize = PtySize { rows: 40, cols: 120, pixel_width: 0, pixel_height: 0 };
/// What each frame begins with.
const FRAME: &[u8] = b"\x1b[?2026h";
/// Nothing takes this long unless it hangs.
const HANGS: Duration = Duration::from_secs(60);

/// What came out of the terminal.
struct Seen {
    parser: vt100::Parser,
    frames: u64,
    bytes: u64,
    /// The end of the last block, in which a mark may have begun.
    rest: Vec<u8>,
}

pub struct Screen {
    child: Box<dyn Child + Send + Sync>,
    keys: Box<dyn Write + Send>,
    seen: Arc<(Mutex<Seen>, Condvar)>,
    _terminal: Box<dyn MasterPty + Send>,
}

impl Screen {
    /// `al` with these words.
    pub fn al(project: &Project, words: &[&str]) -> Self {
        let mut command = CommandBuilder::new(AL);
        command.args(words);
        command.arg("-p");
        command.arg(project.dir());
        let (name, value) = project.home_variable();
        command.env(name, value);
        Self::open(command)
    }

    /// A terminal that only echoes.
    pub fn echo() -> Self {
        Self::open(CommandBuilder::new("cat"))
    }

    fn open(mut command: CommandBuilder) -> Self {
        let pair = native_pty_system().openpty(SIZE).unwrap();
        command.env("TERM", "xterm-256color");
        let child = pair.slave.spawn_command(command).unwrap();
        let parser =
            vt100::Parser::new(SIZE.rows.try_into().unwrap(), SIZE.cols.try_into().unwrap(), 0);
        let seen = Seen { parser, frames: 0, bytes: 0, rest: Vec::new() };
        let seen = Arc::new((Mutex::new(seen), Condvar::new()));
        let (mut reader, here) = (pair.master.try_clone_reader().unwrap(), Arc::clone(&seen));
        thread::spawn(move || {
            let mut block = [0; 65_536];
            while let Ok(n @ 1..) = reader.read(&mut block) {
                let mut seen = here.0.lock().unwrap();
                seen.parser.process(&block[..n]);
                seen.bytes += n as u64;
                seen.rest.extend(&block[..n]);
                let marks = seen.rest.windows(FRAME.len()).filter(|bytes| *bytes == FRAME).count();
                seen.frames += marks as u64;
                let done = seen.rest.len().saturating_sub(FRAME.len() - 1);
                seen.rest.drain(..done);
                here.1.notify_all();
            }
        });
        let keys = pair.master.take_writer().unwrap();
        Self { child, keys, seen, _terminal: pair.master }
    }

    pub fn pid(&self) -> u32 {
        self.child.process_id().unwrap()
    }

    pub fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// Waits until a text is to be read.
    pub fn shows(&self, text: &str) {
        let until = Instant::now() + HANGS;
        let mut seen = self.seen.0.lock().unwrap();
        while !seen.parser.screen().contents().contains(text) {
            let left = until.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "no {text:?} in\n{}", seen.parser.screen().contents());
            seen = self.seen.1.wait_timeout(seen, left).unwrap().0;
        }
    }

    /// Frames and bytes so far.
    pub fn drawn(&self) -> (u64, u64) {
        let seen = self.seen.0.lock().unwrap();
        (seen.frames, seen.bytes)
    }

    /// Milliseconds from a key to what it does, in order of size: `key` turns between two states of
    /// the screen.
    pub fn latencies(
        &mut self,
        key: &str,
        states: [&str; 2],
        times: usize,
        gap: Duration,
    ) -> Vec<f64> {
        let mut latencies = Vec::new();
        for n in 0..times {
            let began = Instant::now();
            self.press(key);
            self.shows(states[n % 2]);
            latencies.push(ms(began.elapsed()));
            thread::sleep(gap.saturating_sub(began.elapsed()));
        }
        latencies.sort_by(f64::total_cmp);
        latencies
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let pid = rustix::process::Pid::from_raw(self.pid().cast_signed()).unwrap();
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        let _ = self.child.wait();
    }
}

/// The value that so many of a hundred do not exceed.
pub fn share(sorted: &[f64], percent: usize) -> f64 {
    sorted[(sorted.len() * percent).div_ceil(100).max(1) - 1]
}
