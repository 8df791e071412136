//! The loop: take everything that is ready, step, draw at most once.

use crate::files::Files;
use crate::input::{Exit, Input, Out, merge};
use crate::logs::Memory;
use crate::reader::{Keyboard, listen};
use crate::settings::{self, Settings};
use crate::state::{Setup, Ui};
use crate::tape::Tape;
use crate::terminal::{Guard, Quiet, ask_background, set_mouse};
use crate::theme::{Appearance, Depth, GlyphSet, Theme};
use crate::update::update;
use crate::view::view;
use crate::watch::watch;
use al_wire::recording::{self, Header, Said};
use al_wire::{Down, Up};
use crossterm::clipboard::CopyToClipboard;
use crossterm::queue;
use crossterm::terminal::SetTitle;
use ratatui::Terminal;
use std::ffi::OsString;
use std::fmt;
use std::io::{self, BufWriter, IsTerminal, Stdout, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

/// Inputs that may wait; more hold the host back.
const QUEUE: usize = 1_024;
/// Inputs taken before the picture is looked at again.
const BATCH: usize = 256;
/// Least time between two frames, after a key and after data.
const KEY_FRAME: Duration = Duration::from_millis(16);
const DATA_FRAME: Duration = Duration::from_millis(33);
/// A key need not wait that long for a frame that was drawn for something else.
const BREATH: Duration = Duration::from_millis(4);

/// The two ends of a host that the console holds.
#[derive(Debug)]
pub struct Link {
    pub up: Sender<Up>,
    pub down: Receiver<Down>,
}

/// What the caller decides.
#[derive(Debug, Clone)]
pub struct Options {
    /// Name of a theme; none is `terminal`, or `mono` without colours.
    pub theme: Option<String>,
    /// Resolved from `NO_COLOR`, `--color` and `TERM=dumb`.
    pub no_color: bool,
    /// Draw with ASCII only.
    pub ascii: bool,
    /// The user's themes are in `themes` below it.
    pub config_dir: Option<PathBuf>,
    pub project: String,
    /// What a command for the shell needs at its end to mean this project; may be empty.
    pub shell_suffix: String,
    /// Seconds east of UTC at an instant.
    pub zone_offset: fn(i64) -> i32,
    /// What the environment says of the terminal.
    pub terminal: Surroundings,
    /// Name of the environment that is shown, for what `console.toml` says of it.
    pub context: Option<String>,
    /// Milliseconds since the epoch.
    pub now_ms: fn() -> i64,
    /// Attached over the gateway: leaving ends nothing.
    pub remote: bool,
    /// `:debug panic` breaks down, for trying how that looks.
    pub debug: bool,
    /// Environments whose schedulers the link can turn to.
    pub environments: Vec<String>,
    /// Offer nothing that changes the scheduler.
    pub read_only: bool,
    /// Command line of the pager; none is `less`.
    pub pager: Option<String>,
    /// What leads into a run: a program and its arguments, to which the run's id is added.
    pub enter: Vec<OsString>,
    /// Ring the terminal's bell for what needs a person.
    pub bell: bool,
}

/// `TERM`, `COLORTERM` and `COLORFGBG`.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    pub term: Option<String>,
    pub colorterm: Option<String>,
    pub colorfgbg: Option<String>,
}

/// Why the console could not be.
#[derive(Debug)]
pub enum UiError {
    /// Standard output or input is no terminal.
    NoTerminal,
    Terminal(io::Error),
}

impl fmt::Display for UiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoTerminal => f.write_str("the console needs a terminal on stdin and stdout"),
            Self::Terminal(error) => write!(f, "the terminal cannot be used: {error}"),
        }
    }
}

impl std::error::Error for UiError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::NoTerminal => None,
            Self::Terminal(error) => Some(error),
        }
    }
}

impl From<io::Error> for UiError {
    fn from(error: io::Error) -> Self {
        Self::Terminal(error)
    }
}

/// Shows the console until somebody leaves it, the host ends it or `stop` is set. The terminal is
/// as it was when this returns.
pub fn run(link: Link, options: Options, stop: Arc<AtomicBool>) -> Result<Exit, UiError> {
    if !io::stdout().is_terminal() || !io::stdin().is_terminal() {
        return Err(UiError::NoTerminal);
    }
    // Colours are decided here, by the theme; crossterm's own NO_COLOR would take the attributes
    // away with them.
    crossterm::style::force_color_output(true);
    let size = crossterm::terminal::size()?;
    let (mut ui, wants) = start(&options, size);
    let guard = Guard::take(ui.mouse)?;
    let (inputs, queue) = sync_channel(QUEUE);
    let keyboard = Keyboard::start(inputs.clone(), stop)?;
    let backend = Quiet::new(BufWriter::with_capacity(64 * 1024, io::stdout()), ui.settings.depth);
    let options_dir = options.config_dir.clone();
    let mut console = Console {
        terminal: Terminal::new(backend)?,
        guard,
        keyboard,
        up: link.up,
        options,
        title: String::new(),
        tape: Tape::default(),
    };
    // The first frame comes before anything else is waited for.
    console.draw(&ui)?;
    let places = options_dir.as_ref().map(|dir| dir.join(PLACES));
    recall(&mut ui, places.as_deref());
    if let Some(dir) = options_dir {
        watch(dir, ui.settings.files.clone(), inputs.clone())?;
    }
    listen(link.down, inputs)?;
    for out in wants {
        if let Some(exit) = console.perform(&mut ui, out)? {
            return Ok(exit);
        }
    }
    let exit = console.attend(&mut ui, &queue)?;
    remember(&mut ui, places.as_deref());
    Ok(exit)
}

/// Where an earlier session left its logs.
const PLACES: &str = "console-logs.json";

/// A file that is not there, or not to be read, is no loss that would keep anybody from looking.
fn recall(ui: &mut Ui, places: Option<&Path>) {
    let text = places.and_then(|path| std::fs::read_to_string(path).ok());
    ui.log.memory = text.map(|text| Memory::parse(&text)).unwrap_or_default();
}

fn remember(ui: &mut Ui, places: Option<&Path>) {
    let project = ui.setup.project.clone();
    ui.log.keep(&project);
    if let Some(path) = places.filter(|_| ui.log.memory.changed) {
        let new = path.with_extension("json.new");
        let _ = std::fs::remove_file(&new);
        let written = create_new(&new, &ui.log.memory.to_text());
        let _ = written.and_then(|()| std::fs::rename(&new, path));
    }
}

fn create_new(path: &Path, text: &str) -> io::Result<()> {
    let mut new = std::fs::OpenOptions::new();
    let mut new = new.write(true).create_new(true).mode(0o600).open(path)?;
    // Half a file would only be in the way of the next try.
    new.write_all(text.as_bytes()).inspect_err(|_| drop(std::fs::remove_file(path)))
}

/// The console before it has heard anything, and what it wants done.
pub(crate) fn start(options: &Options, size: (u16, u16)) -> (Ui, Vec<Out>) {
    let setup = Setup {
        shell_suffix: options.shell_suffix.clone(),
        project: options.project.clone(),
        remote: options.remote,
        read_only: options.read_only,
        no_color: options.no_color,
        ascii: options.ascii,
        quiet: !options.bell,
        debug: options.debug,
        environments: options.environments.clone(),
        zone_offset: options.zone_offset,
    };
    let said = &options.terminal;
    let depth = match options.no_color {
        true => Depth::Mono,
        false => Depth::of(said.colorterm.as_deref(), said.term.as_deref()),
    };
    let standard = if options.no_color { "mono" } else { "terminal" };
    let theme = Theme::load(standard, &Files::default(), depth);
    let theme = theme.map_or_else(|_| Theme::plain(), |(theme, _)| theme);
    let mut ui = Ui::new(setup, theme, size, (options.now_ms)());
    ui.attention.bell = options.bell;
    ui.settings = Settings {
        chosen: options.theme.clone(),
        context: options.context.clone(),
        depth,
        appearance: said.colorfgbg.as_deref().and_then(Appearance::of_colorfgbg),
        glyphs: options.ascii.then_some(GlyphSet::Ascii),
        ..Settings::default()
    };
    let mut out = Vec::new();
    settings::take(&mut ui, Files::read(options.config_dir.as_deref()), &mut out);
    (ui, out)
}

struct Console {
    terminal: Terminal<Quiet<BufWriter<Stdout>>>,
    guard: Guard,
    keyboard: Keyboard,
    up: Sender<Up>,
    options: Options,
    title: String,
    tape: Tape,
}

/// What is owed to the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Owed {
    Nothing,
    Data,
    Key,
}

impl Console {
    fn attend(&mut self, ui: &mut Ui, queue: &Receiver<Input>) -> Result<Exit, UiError> {
        let mut owed = Owed::Nothing;
        let mut drawn = Instant::now();
        let mut drawn_for_key = drawn;
        loop {
            let next = match owed {
                Owed::Key => (drawn_for_key + KEY_FRAME).max(drawn + BREATH),
                Owed::Data | Owed::Nothing => drawn + DATA_FRAME,
            };
            if owed > Owed::Nothing && Instant::now() >= next {
                self.draw(ui)?;
                drawn = Instant::now();
                if owed == Owed::Key {
                    drawn_for_key = drawn;
                }
                owed = Owed::Nothing;
            }
            let wait = match owed {
                Owed::Nothing => self.until_due(ui),
                _ => next.saturating_duration_since(Instant::now()),
            };
            let first = match queue.recv_timeout(wait) {
                Ok(input) => input,
                Err(RecvTimeoutError::Timeout) => Input::Tick,
                Err(RecvTimeoutError::Disconnected) => Input::HostGone,
            };
            for input in merge(std::iter::once(first).chain(queue.try_iter().take(BATCH))) {
                owed = owed.max(match input {
                    Input::Tick if owed > Owed::Nothing => owed,
                    Input::Down(_) | Input::Tick => Owed::Data,
                    _ => Owed::Key,
                });
                if let Input::Down(down) = &input {
                    let now_ms = (self.options.now_ms)();
                    self.tape.keep(ui, now_ms, || Said::Down(down.clone()));
                }
                for out in update(ui, (self.options.now_ms)(), input) {
                    if let Some(exit) = self.perform(ui, out)? {
                        return Ok(exit);
                    }
                }
            }
        }
    }

    /// How long nothing will change by itself.
    fn until_due(&self, ui: &Ui) -> Duration {
        let longest = Duration::from_secs(3_600);
        let Some(due_ms) = ui.next_due_ms() else { return longest };
        let wait_ms = due_ms.saturating_sub((self.options.now_ms)()).max(1);
        Duration::from_millis(u64::try_from(wait_ms).unwrap_or(1)).min(longest)
    }

    fn draw(&mut self, ui: &Ui) -> io::Result<()> {
        self.terminal.draw(|frame| view(ui, frame))?;
        let title = ui.title();
        if title != self.title {
            queue!(self.terminal.backend_mut().writer(), SetTitle(&title))?;
            self.terminal.backend_mut().writer().flush()?;
            self.title = title;
        }
        Ok(())
    }

    fn perform(&mut self, ui: &mut Ui, out: Out) -> Result<Option<Exit>, UiError> {
        match out {
            Out::Send(up) => {
                let now_ms = (self.options.now_ms)();
                self.tape.keep(ui, now_ms, || Said::Up(up.clone()));
                if self.up.send(up).is_err() {
                    let why = "the connection to the scheduler ended".to_owned();
                    return Ok(Some(Exit::Host(why)));
                }
            }
            Out::Copy(text) => {
                queue!(
                    self.terminal.backend_mut().writer(),
                    CopyToClipboard::to_clipboard_from(text)
                )?;
                self.terminal.backend_mut().writer().flush()?;
            }
            Out::Page(text) => self.page(ui, &text)?,
            Out::Write { file, text } => {
                let wrote = write_new(&file, &text);
                for out in update(ui, (self.options.now_ms)(), Input::Wrote(wrote)) {
                    if let Some(exit) = self.perform(ui, out)? {
                        return Ok(Some(exit));
                    }
                }
            }
            Out::Shell(run) => self.shell(ui, &run)?,
            Out::Suspend => return self.suspend(ui),
            Out::Redraw => self.terminal.clear()?,
            Out::Notify(text) => {
                // BEL, then OSC 9, which terminals that do not know it leave out.
                write!(self.terminal.backend_mut().writer(), "\x07\x1b]9;{text}\x07")?;
                self.terminal.backend_mut().writer().flush()?;
            }
            Out::Mouse(on) => set_mouse(on)?,
            Out::Panic => break_down(),
            Out::Record(file) => self.record(ui, file),
            Out::AskBackground => {
                self.keyboard.expect_background();
                ask_background()?;
            }
            Out::Exit(exit) => return Ok(Some(exit)),
        }
        Ok(None)
    }

    fn record(&mut self, ui: &mut Ui, file: Option<String>) {
        let Some(file) = file else {
            self.tape.end(ui);
            return;
        };
        let header = Header {
            console_recording: recording::VERSION,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            project: self.options.project.clone(),
            at_ms: (self.options.now_ms)(),
        };
        self.tape.begin(ui, &file, &header);
    }

    /// Shows text in the pager, with the terminal and the keyboard released.
    fn page(&mut self, ui: &mut Ui, text: &str) -> Result<(), UiError> {
        let pager = self.options.pager.clone().filter(|pager| !pager.trim().is_empty());
        let pager = pager.unwrap_or_else(|| "less".to_owned());
        let shown =
            self.keyboard.hold(|| self.guard.release(ui.mouse, || page_through(&pager, text)))?;
        if let Err(error) = shown {
            ui.complain(format!("{pager}: {error}"));
        }
        self.title.clear();
        self.terminal.clear()?;
        Ok(())
    }

    /// Lets a person into a run, with the terminal and the keyboard released.
    fn shell(&mut self, ui: &mut Ui, run: &str) -> Result<(), UiError> {
        let enter = self.options.enter.clone();
        let ended = self.keyboard.hold(|| self.guard.release(ui.mouse, || go_into(&enter, run)))?;
        match ended {
            Ok(status) if status.success() => {}
            Ok(status) => ui.say(format!("the shell in {run} ended: {status}")),
            Err(error) => ui.complain(format!("no shell in {run}: {error}")),
        }
        self.title.clear();
        self.terminal.clear()?;
        Ok(())
    }

    /// Stops the process as the shell's Ctrl-z does, and goes on when the shell says so.
    fn suspend(&mut self, ui: &mut Ui) -> Result<Option<Exit>, UiError> {
        let from_ms = (self.options.now_ms)();
        self.keyboard.hold(|| self.guard.release(ui.mouse, stop_self))??;
        let now_ms = (self.options.now_ms)();
        self.title.clear();
        for out in update(ui, now_ms, Input::Resumed { away_ms: now_ms - from_ms }) {
            if let Some(exit) = self.perform(ui, out)? {
                return Ok(Some(exit));
            }
        }
        Ok(None)
    }
}

/// What a bug does to the console, so that a test can see what it does to the terminal.
#[expect(clippy::panic, reason = "that is what was asked for, and `al dev` alone lets one ask")]
fn break_down() -> ! {
    panic!("somebody said :debug panic")
}

fn stop_self() -> io::Result<()> {
    use rustix::process::{Signal, getpid, kill_process};
    kill_process(getpid(), Signal::TSTP)?;
    // The stop reaches this thread a moment after the call returns.
    thread::sleep(Duration::from_millis(20));
    Ok(())
}

fn go_into(enter: &[OsString], run: &str) -> io::Result<ExitStatus> {
    let (program, arguments) =
        enter.split_first().ok_or_else(|| io::Error::other("nobody knows the way"))?;
    Command::new(program).args(arguments).arg(run).status()
}

/// Writes a file that was not there before; what to say about it.
fn write_new(file: &str, text: &str) -> Result<String, String> {
    match create_new(Path::new(file), text) {
        Ok(()) => Ok(format!("wrote {} records to {file}", text.lines().count())),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            Err(format!("{file} is there already; choose another name"))
        }
        Err(error) => Err(format!("{file}: {error}")),
    }
}

fn page_through(pager: &str, text: &str) -> io::Result<()> {
    let mut child = Command::new("sh").args(["-c", pager]).stdin(Stdio::piped()).spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // A pager that is left early closes its end; that is no failure.
        let _ = stdin.write_all(text.as_bytes());
    }
    let status = child.wait()?;
    match status.code() {
        Some(127) => Err(io::Error::other("there is no such program; set PAGER")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn started(theme: Option<&str>, no_color: bool) -> (String, Option<String>) {
        let options = Options {
            shell_suffix: String::new(),
            theme: theme.map(str::to_owned),
            no_color,
            ascii: false,
            config_dir: None,
            project: "acme-bots".to_owned(),
            zone_offset: |_| 0,
            now_ms: || 0,
            remote: false,
            debug: false,
            environments: Vec::new(),
            read_only: false,
            pager: None,
            enter: Vec::new(),
            bell: true,
            terminal: Surroundings { term: Some("xterm".to_owned()), ..Surroundings::default() },
            context: None,
        };
        let (ui, _) = start(&options, (80, 24));
        (ui.theme.name, ui.flash.map(|flash| flash.text))
    }

    #[test]
    fn a_theme_that_cannot_be_used_is_no_reason_not_to_start() {
        assert_eq!(started(None, false), ("terminal".into(), None));
        assert_eq!(started(None, true), ("mono".into(), None));
        assert_eq!(started(Some("terminal"), true), ("mono".into(), None));
        assert_eq!(started(Some("mono"), false), ("mono".into(), None));
        let complaint = "no theme called `nope`; there are deuteranopia, harbor, harbor-day, high-contrast, mono, terminal".to_owned();
        assert_eq!(started(Some("nope"), false), ("terminal".into(), Some(complaint)));
    }
}
