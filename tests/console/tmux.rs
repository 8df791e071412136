//! A terminal for one test: a tmux server of its own, without anybody's configuration.

use std::cell::{Cell, RefCell};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::Pid;

use crate::steady::steady;

/// Nothing here takes this long unless it hangs.
const HANGS: Duration = Duration::from_secs(30);
const LOOK_AGAIN: Duration = Duration::from_millis(15);
/// How long a question cannot be accepted after it appeared (docs of `al_ui::dialog`).
const QUESTION_GUARD: Duration = Duration::from_millis(300);

pub struct Terminal {
    socket: PathBuf,
    recordings: Cell<u32>,
}

impl Terminal {
    /// Opens a terminal of `columns` and `rows` in `dir`, in which a shell runs `line`.
    pub fn open(dir: &Path, (columns, rows): (u16, u16), line: &str) -> Self {
        // One test may have several terminals in its folder.
        static OPENED: AtomicU32 = AtomicU32::new(0);
        let socket = dir.join(format!("tmux{}", OPENED.fetch_add(1, Ordering::Relaxed)));
        let terminal = Self { socket, recordings: Cell::new(0) };
        let (columns, rows) = (columns.to_string(), rows.to_string());
        let dir = dir.to_str().unwrap();
        terminal.tmux(&[
            "start-server",
            ";",
            "set-option",
            "-g",
            "default-terminal",
            "tmux-256color",
            ";",
            "new-session",
            "-d",
            "-x",
            &columns,
            "-y",
            &rows,
            "-c",
            dir,
            line,
        ]); // one command per line
        terminal
    }

    fn tmux(&self, words: &[&str]) -> String {
        let mut command = Command::new("tmux");
        command.arg("-u").arg("-S").arg(&self.socket).args(["-f", "/dev/null"]).args(words);
        let output = command
            .env_remove("TMUX")
            .output()
            .expect("these tests drive the console with tmux: apt-get install tmux");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "tmux {words:?}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Takes the terminal away from whatever runs on it.
    pub fn vanish(&self) {
        self.tmux(&["kill-server"]);
    }

    /// Presses keys, named as tmux names them: `j`, `Enter`, `C-c`, `BTab`.
    pub fn press(&self, keys: &[&str]) {
        self.tmux(&[&["send-keys", "--"], keys].concat());
    }

    /// Types text as it is.
    pub fn write(&self, text: &str) {
        self.tmux(&["send-keys", "-l", "--", text]);
    }

    /// Presses and releases the left mouse button on a cell, counted from 1.
    pub fn click(&self, column: u16, row: u16) {
        self.write(&format!("\x1b[<0;{column};{row}M\x1b[<0;{column};{row}m"));
    }

    /// Turns the wheel a notch, down or up, over a cell counted from 1.
    pub fn wheel(&self, down: bool, column: u16, row: u16) {
        self.write(&format!("\x1b[<{};{column};{row}M", if down { 65 } else { 64 }));
    }

    /// A process that was started by the shell of this terminal, by its name.
    #[track_caller]
    pub fn child(&self, name: &str) -> Pid {
        let shell = self.knows("pane_pid");
        let until = Instant::now() + HANGS;
        loop {
            let processes = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
            let stats =
                processes.filter_map(|p| std::fs::read_to_string(p.path().join("stat")).ok());
            // `4711 (al) S 4710 ...`
            let wanted = format!(" ({name}) ");
            let mut found = stats.filter_map(|stat| {
                let (pid, rest) = stat.split_once(&wanted)?;
                let parent = rest.split(' ').nth(1)?;
                (parent == shell).then(|| pid.parse::<i32>().ok()).flatten()
            });
            if let Some(pid) = found.next().and_then(Pid::from_raw) {
                return pid;
            }
            assert!(Instant::now() < until, "no {name} runs here\n{}", self.screen());
            sleep(LOOK_AGAIN);
        }
    }

    /// What can be read on the screen.
    pub fn screen(&self) -> String {
        self.tmux(&["capture-pane", "-p"])
    }

    /// The screen with its escape sequences for colours and attributes.
    pub fn styled(&self) -> String {
        self.tmux(&["capture-pane", "-p", "-e"])
    }

    /// Looks until the screen is as it should be, and returns it.
    #[track_caller]
    pub fn until(&self, what: &str, holds: impl Fn(&str) -> bool) -> String {
        let until = Instant::now() + HANGS;
        loop {
            let screen = self.screen();
            if holds(&screen) {
                return screen;
            }
            assert!(Instant::now() < until, "never seen: {what}\n{screen}");
            sleep(LOOK_AGAIN);
        }
    }

    #[track_caller]
    pub fn shows(&self, text: &str) -> String {
        self.until(text, |screen| screen.contains(text))
    }

    #[track_caller]
    pub fn hides(&self, text: &str) -> String {
        self.until(&format!("no {text}"), |screen| !screen.contains(text))
    }

    /// Waits until the screen shows `text` and is not being drawn any more: what can be kept of it.
    #[track_caller]
    pub fn still(&self, text: &str) -> String {
        let last = RefCell::new((String::new(), 0));
        let screen = self.until(&format!("{text}, and nothing moves"), |screen| {
            let screen = steady(screen);
            let (before, times) = last.take();
            let times = if screen == before { times + 1 } else { 0 };
            let holds = times >= 3 && screen.contains(text);
            *last.borrow_mut() = (screen, times);
            holds
        });
        steady(&screen)
    }

    /// Waits until the screen is not being drawn any more, and returns it as it is.
    #[track_caller]
    pub fn settled(&self) -> String {
        let last = RefCell::new((String::new(), 0));
        self.until("a screen that stays", |screen| {
            let (before, times) = last.take();
            let times = if screen == before { times + 1 } else { 0 };
            *last.borrow_mut() = (screen.to_owned(), times);
            times >= 3
        })
    }

    /// Waits until one line holds all of `words`, and returns the screen.
    #[track_caller]
    pub fn line(&self, words: &[&str]) -> String {
        let holds = |line: &str| words.iter().all(|word| line.contains(word));
        self.until(&words.join(" .. "), |screen| screen.lines().any(holds))
    }

    /// Waits until a text with `wanted` in it is drawn in reverse.
    #[track_caller]
    pub fn reverses(&self, wanted: &str) {
        let until = Instant::now() + HANGS;
        loop {
            let seen = reversed(&self.styled());
            if seen.iter().any(|text| text.contains(wanted)) {
                return;
            }
            assert!(Instant::now() < until, "not in reverse: {wanted}, but {seen:?}");
            sleep(LOOK_AGAIN);
        }
    }

    /// Waits for a question and until it can be answered.
    #[track_caller]
    pub fn question(&self, title: &str) -> String {
        let screen = self.shows(title);
        sleep(QUESTION_GUARD);
        screen
    }

    /// Waits for the form that starts a run of `agent`, and until it can be answered.
    #[track_caller]
    pub fn run_form(&self, agent: &str) -> String {
        let screen = self.line(&["Agent", agent]);
        self.question("Start a run");
        screen
    }

    pub fn resize(&self, columns: u16, rows: u16) {
        let (columns, rows) = (columns.to_string(), rows.to_string());
        self.tmux(&["resize-window", "-x", &columns, "-y", &rows]);
    }

    /// What tmux knows about the terminal: `alternate_on`, `cursor_flag`.
    pub fn knows(&self, name: &str) -> String {
        self.tmux(&["display-message", "-p", &format!("#{{{name}}}")]).trim_end().to_owned()
    }

    /// How many bytes are written to the terminal while `doing`.
    pub fn bytes_during(&self, doing: impl FnOnce(&dyn Fn() -> u64)) -> u64 {
        let file = self.record();
        let count = || std::fs::metadata(&file).unwrap().len();
        doing(&count);
        self.tmux(&["pipe-pane"]);
        count()
    }

    /// What is written to the terminal while `doing`.
    pub fn raw_during(&self, doing: impl FnOnce()) -> Vec<u8> {
        let file = self.record();
        doing();
        self.tmux(&["pipe-pane"]);
        std::fs::read(file).unwrap()
    }

    /// Keeps what is written from now on in a file.
    fn record(&self) -> PathBuf {
        self.recordings.set(self.recordings.get() + 1);
        let file = self.socket.with_extension(format!("raw{}", self.recordings.get()));
        std::fs::write(&file, "").unwrap();
        self.tmux(&["pipe-pane", &format!("exec cat >>'{}'", file.display())]);
        file
    }

    /// The terminal is as a shell expects it, and the shell after the console uses it.
    #[track_caller]
    pub fn is_restored(&self) {
        self.shows("al ended with");
        let state = ["alternate_on", "cursor_flag", "mouse_any_flag", "mouse_sgr_flag"];
        let state = state.map(|name| self.knows(name));
        assert_eq!(state, ["0", "1", "0", "0"], "{}", self.screen());
        self.write("echo typed $((6 * 7))");
        self.shows("echo typed $((6 * 7))");
        self.press(&["Enter"]);
        self.until("typed 42", |screen| screen.lines().any(|line| line == "typed 42"));
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let mut command = Command::new("tmux");
        command.arg("-S").arg(&self.socket).arg("kill-server").env_remove("TMUX");
        let _ = command.output();
    }
}

/// Texts that a styled screen shows in reverse.
pub fn reversed(styled: &str) -> Vec<String> {
    let mut texts: Vec<String> = Vec::new();
    let (mut on, mut open) = (false, false);
    for (i, piece) in styled.split('\x1b').enumerate() {
        let text = match piece.strip_prefix('[').and_then(|piece| piece.split_once('m')) {
            Some((codes, text)) if i > 0 => {
                for code in codes.split(';') {
                    match code {
                        "7" => on = true,
                        "" | "0" | "27" => on = false,
                        _ => {}
                    }
                }
                text
            }
            _ => piece,
        };
        for (i, line) in text.split('\n').enumerate() {
            open &= on && i == 0;
            if !on || line.is_empty() {
                continue;
            }
            match texts.last_mut().filter(|_| open) {
                Some(last) => last.push_str(line),
                None => texts.push(line.to_owned()),
            }
            open = true;
        }
    }
    texts
}

/// Codes of a styled screen that set a colour.
pub fn colours(styled: &str) -> Vec<String> {
    let sequences = styled.split("\x1b[").skip(1).filter_map(|piece| piece.split_once('m'));
    let colour = |codes: &str| {
        codes.split(';').any(|code| {
            code.parse().is_ok_and(|code| matches!(code, 30..=38 | 40..=48 | 90..=97 | 100..=107))
        })
    };
    sequences.map(|(codes, _)| codes.to_owned()).filter(|codes| colour(codes)).collect()
}
