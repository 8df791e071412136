//! `al replay`: the console over a recording.

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::thread;
use std::time::{Duration, Instant};

use al_ui::Exit;
use al_wire::recording::{Player, Recording};
use al_wire::{Down, Link, Steer, Up};
use chrono::DateTime;

use super::carrier::DOWN_WAITING;
use super::console::{self, Draw};
use super::{Context, output, start};
use crate::failure::Failure;

/// One is the speed of time.
const THOUSAND: u32 = 1_000;
/// How long to wait when nothing will come.
const LONG: Duration = Duration::from_secs(3_600);

/// Open the console over a recording
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[command(after_help = "Examples:
  al replay bug.ndjson                              as it went
  al replay bug.ndjson --speed 20                   twenty times as fast
  al replay bug.ndjson --clock 2026-01-01T12:04:43Z standing still there

It is the console with all its keys, and nothing is done: a command is
answered as it was when it was recorded, or told that this is a recording.
:seek +5m, :seek 12:04 and :speed 8 go through it; :speed 0 stands still.")]
pub struct ReplayArgs {
    /// What `al record` or `:record` made
    pub file: PathBuf,

    /// Begin at this instant, and stand still there unless --speed is given
    #[arg(long, value_name = "RFC3339", value_parser = instant)]
    pub clock: Option<i64>,

    /// How fast time passes: 1, 0.5, 20; 0 stands still, max is at the end at once
    #[arg(long, value_name = "N|max", value_parser = speed)]
    pub speed: Option<Speed>,

    /// Offer nothing that changes anything
    #[arg(long)]
    pub read_only: bool,

    /// Write the commands that were given to this file, one JSON object per line
    #[arg(long, value_name = "FILE")]
    pub commands: Option<PathBuf>,

    #[command(flatten)]
    pub draw: Draw,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speed {
    /// Thousandths.
    Times(u32),
    Max,
}

fn instant(text: &str) -> Result<i64, String> {
    let time = DateTime::parse_from_rfc3339(text);
    time.map(|time| time.timestamp_millis())
        .map_err(|_| "it looks like 2026-01-01T12:04:43Z".to_owned())
}

fn speed(text: &str) -> Result<Speed, String> {
    if text == "max" {
        return Ok(Speed::Max);
    }
    let times: f64 = text.parse().unwrap_or(-1.0);
    match (0.0..=1_000.0).contains(&times) {
        true => Ok(Speed::Times((times * f64::from(THOUSAND)) as u32)),
        false => Err("it is a number from 0 to 1000, or max".to_owned()),
    }
}

/// Shows the console until somebody leaves it.
///
/// # Errors
/// When the file is no recording.
pub fn run(args: &ReplayArgs, context: &Context) -> Result<ExitCode, Failure> {
    let name = args.file.display();
    let unread = |why: String| Failure::user("bad_recording", format!("{name}: {why}"));
    let file = File::open(&args.file).map_err(|error| unread(error.to_string()))?;
    let recording =
        Recording::open(BufReader::new(file)).map_err(|wrong| unread(wrong.to_string()))?;
    let project = recording.header.project.clone();
    if recording.cut {
        output::remark(&format!(
            "{name}: its last line is not whole and is left out: the recording was cut off there\n"
        ));
    }
    let commands =
        match &args.commands {
            Some(path) => {
                Some(OpenOptions::new().append(true).create(true).open(path).map_err(|e| {
                    Failure::user("not_written", format!("{}: {e}", path.display()))
                })?)
            }
            None => None,
        };
    let tokio = start::tokio()?;
    let stop = console::closed_by_signals(&tokio)?;
    let (up, said) = mpsc::channel();
    let (down, rows) = mpsc::sync_channel(DOWN_WAITING);
    let stage = Stage::new(Player::new(recording), args, commands, down);
    thread::spawn(move || stage.play(&said));
    let options = al_ui::Options {
        project,
        remote: true,
        read_only: args.read_only,
        shell_suffix: String::new(),
        ..console::options(&args.draw, context)
    };
    match al_ui::run(al_ui::Link { up, down: rows }, options, stop)
        .map_err(|e| console::no_terminal(&e))?
    {
        Exit::Host(why) => Err(unread(why)),
        Exit::Detach | Exit::Drain | Exit::StopNow | Exit::Signal => Ok(ExitCode::SUCCESS),
    }
}

/// A player with a clock.
struct Stage {
    player: Player<BufReader<File>>,
    /// Thousandths of the speed of time that are wanted, and that there are: at the end it stands.
    wanted: u32,
    speed: u32,
    /// When it stood where.
    since: (Instant, i64),
    commands: Option<File>,
    down: SyncSender<Down>,
}

/// Why a replay is over.
enum Over {
    /// The console has ended.
    Left,
    Failed(io::Error),
}

impl From<io::Error> for Over {
    fn from(error: io::Error) -> Self {
        Self::Failed(error)
    }
}

impl Stage {
    fn new(
        player: Player<BufReader<File>>,
        args: &ReplayArgs,
        commands: Option<File>,
        down: SyncSender<Down>,
    ) -> Self {
        let (begin, end) = player.span();
        // Before it began there is nothing to wait for.
        let clock = args.clock.map(|clock| clock.max(begin));
        let (wanted, at_ms) = match (args.speed, clock) {
            (Some(Speed::Max), _) => (THOUSAND, end),
            (Some(Speed::Times(speed)), clock) => (speed, clock.unwrap_or(begin)),
            (None, Some(clock)) => (0, clock),
            (None, None) => (THOUSAND, begin),
        };
        Self { player, wanted, speed: 0, since: (Instant::now(), at_ms), commands, down }
    }

    fn play(mut self, said: &Receiver<Up>) {
        if let Err(Over::Failed(error)) = self.until_left(said) {
            let _ = self.down.send(Down::Bye { why: error.to_string() });
        }
    }

    fn until_left(&mut self, said: &Receiver<Up>) -> Result<(), Over> {
        self.stand(self.since.1)?;
        loop {
            match said.recv_timeout(self.pause()) {
                Ok(Up::Steer(steer)) => self.steer(&steer)?,
                Ok(up) => self.hear(up)?,
                Err(RecvTimeoutError::Timeout) => self.go_on()?,
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
        }
    }

    /// What time it is in the recording.
    fn now_ms(&self) -> i64 {
        let passed = i64::try_from(self.since.0.elapsed().as_micros()).unwrap_or(i64::MAX);
        self.since.1.saturating_add(passed.saturating_mul(i64::from(self.speed)) / 1_000_000)
    }

    /// How long nothing comes by itself.
    fn pause(&self) -> Duration {
        let Some(next_ms) = self.player.next_ms().filter(|_| self.speed > 0) else { return LONG };
        let ms = u64::try_from(next_ms - self.now_ms()).unwrap_or(0);
        Duration::from_micros(ms.saturating_mul(1_000_000) / u64::from(self.speed)).min(LONG)
    }

    fn go_on(&mut self) -> Result<(), Over> {
        if self.speed == 0 {
            return Ok(());
        }
        let said = self.player.advance(self.now_ms())?;
        self.say(said)?;
        if self.player.ended() {
            self.set_speed()?;
        }
        Ok(())
    }

    fn stand(&mut self, at_ms: i64) -> Result<(), Over> {
        self.since = (Instant::now(), at_ms);
        self.speed = 0;
        let said = self.player.go_to(at_ms)?;
        // The time comes first: what follows is of then.
        self.set_speed()?;
        self.say(said)
    }

    /// Goes on as is wanted from now, as far as there is anything.
    fn set_speed(&mut self) -> Result<(), Over> {
        self.since = (Instant::now(), self.now_ms());
        let ended = self.player.ended();
        self.speed = if ended { 0 } else { self.wanted };
        let link = Link::Recording {
            at_ms: self.since.1,
            speed: self.speed,
            ended,
            cut: self.player.cut(),
        };
        self.say(vec![Down::Link(link)])
    }

    fn steer(&mut self, steer: &Steer) -> Result<(), Over> {
        let (begin, end) = self.player.span();
        match steer {
            Steer::Seek { by_ms } => self.stand((self.now_ms() + by_ms).clamp(begin, end)),
            Steer::SeekTo { at_ms } => self.stand((*at_ms).clamp(begin, end)),
            Steer::Speed { speed } => {
                self.wanted = *speed;
                self.set_speed()
            }
            Steer::Turn { .. } | Steer::Unknown => {
                let why = "a recording leads to no other scheduler".to_owned();
                self.say(vec![Down::Link(Link::Refused { why })])
            }
        }
    }

    fn hear(&mut self, up: Up) -> Result<(), Over> {
        if let (Up::Submit { .. }, Some(commands)) = (&up, &mut self.commands) {
            let mut line = serde_json::to_vec(&up).map_err(io::Error::from)?;
            line.push(b'\n');
            commands.write_all(&line)?;
        }
        // What is asked now is asked of now.
        if self.speed > 0 {
            self.go_on()?;
        }
        let answer = self.player.hear(up)?;
        self.say(answer.into_iter().collect())
    }

    fn say(&self, said: Vec<Down>) -> Result<(), Over> {
        said.into_iter().try_for_each(|message| self.down.send(message).map_err(|_| Over::Left))
    }
}
