//! `al` on a terminal: what a person sees, and what their keys do.

mod environments;
mod first_day;
mod menus;
mod wizards;

use std::io::{Read, Write};
use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use crate::world::World;

pub const ENTER: &str = "\r";
pub const DOWN: &str = "\x1b[B";
pub const CTRL_C: &str = "\x03";
/// Nobody waits longer for a line.
const PATIENCE: Duration = Duration::from_secs(40);

/// One command on a terminal of its own.
pub struct Session {
    child: Box<dyn Child + Send + Sync>,
    keys: Box<dyn Write + Send>,
    pieces: mpsc::Receiver<Vec<u8>>,
    raw: Vec<u8>,
    /// Up to here of `shown` was expected.
    read: usize,
    _terminal: Box<dyn MasterPty + Send>,
}

impl Session {
    pub fn open(world: &World, args: &[&str]) -> Self {
        Self::open_with(world, &world.project(), args, &[])
    }

    pub fn open_with(world: &World, dir: &Path, args: &[&str], env: &[(&str, &str)]) -> Self {
        let size = PtySize { rows: 40, cols: 100, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_al"));
        command.args(args);
        command.cwd(dir);
        command.env_clear();
        command.env("HOME", world.home());
        command.env("AL_HOME", world.home().join(".action-llama"));
        command.env("DOCKER_HOST", "unix://../home/docker.sock");
        command.env("TERM", "xterm-256color");
        command.env("USER", "ann");
        env.iter().for_each(|(name, value)| command.env(name, value));
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().unwrap();
        let keys = pair.master.take_writer().unwrap();
        let (tell, pieces) = mpsc::channel();
        thread::spawn(move || {
            let mut piece = [0; 4096];
            // The end of a pty is an error on Linux.
            while let Ok(length @ 1..) = reader.read(&mut piece) {
                if tell.send(piece[..length].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self { child, keys, pieces, raw: Vec::new(), read: 0, _terminal: pair.master }
    }

    /// Waits until this is shown, after what was expected before.
    #[track_caller]
    pub fn expect(&mut self, text: &str) -> &mut Self {
        loop {
            let shown = plain(&self.raw);
            if let Some(at) = shown.get(self.read..).and_then(|rest| rest.find(text)) {
                self.read += at + text.len();
                return self;
            }
            if !self.more() {
                panic!("{text:?} was not shown; what was:\n{shown}");
            }
        }
    }

    pub fn keys(&mut self, keys: &str) -> &mut Self {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
        self
    }

    /// Exit code, and all that was shown.
    pub fn end(mut self) -> (u32, String) {
        while self.more() {}
        let shown = plain(&self.raw);
        (self.child.wait().unwrap().exit_code(), shown)
    }

    /// What came, with all that drives the terminal.
    pub fn raw(&self) -> String {
        String::from_utf8_lossy(&self.raw).into_owned()
    }

    fn more(&mut self) -> bool {
        match self.pieces.recv_timeout(PATIENCE) {
            Ok(piece) => {
                // Who asks where the cursor is gets an answer, as from any terminal.
                if String::from_utf8_lossy(&piece).contains("\x1b[6n") {
                    self.keys("\x1b[1;1R");
                }
                self.raw.extend(piece);
                true
            }
            Err(RecvTimeoutError::Disconnected) => false,
            Err(RecvTimeoutError::Timeout) => {
                let _ = self.child.kill();
                panic!("it neither went on nor ended:\n{}", plain(&self.raw));
            }
        }
    }
}

/// Text without the sequences that drive a terminal.
fn plain(raw: &[u8]) -> String {
    let text = String::from_utf8_lossy(raw);
    let sequences = regex::Regex::new("\x1b(\\[[0-9;?]*[A-Za-z]|[()][A-Z0-9]|[78=>])").unwrap();
    sequences.replace_all(&text, "").replace('\r', "")
}
