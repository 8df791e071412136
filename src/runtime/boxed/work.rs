//! The box at work: from the errand to the last words.

use std::ffi::OsString;
use std::fs::{self, DirBuilder};
use std::io::{self, BufRead, BufReader, Read as _, Write as _};
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, ExitStatus};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal};

use super::errand::{Ending, Errand, Spot, mark};
use super::orders::{self, Order};
use super::{BINARY, SOCKET, STATIC, forward};
use crate::ambient;
use crate::runtime::claim::pid;
use crate::runtime::environment::{Given, Rooms, Surroundings, environment};
use crate::runtime::program::{self, Outputs, Refusal};
use crate::runtime::remains::Remains;
use crate::runtime::{CANNOT_EXECUTE, credentials, install_tools, layout, processes};

/// An errand is at most this large; a webhook's body is 10 MiB.
const ERRAND_LIMIT: u64 = 64 * 1024 * 1024;
/// Whoever started the box has told it its errand by then, or never will.
const PATIENCE: Duration = Duration::from_secs(60);
/// Exit code of a box without an errand.
const NO_ERRAND: u8 = 2;
/// Where a container keeps what is the run's own.
const HOME: &str = "/tmp";
const CREDENTIALS: &str = "/credentials";

/// What the deciding thread waits for.
pub enum Event {
    Told(Order),
    /// The program ended.
    Ended,
}

pub fn main() -> ExitCode {
    let (events, inbox) = channel();
    let mut input = BufReader::new(io::stdin());
    let errand = match read(&mut input) {
        Ok(errand) => errand,
        Err(why) => {
            let _ = writeln!(io::stderr(), "al: {why}");
            return ExitCode::from(NO_ERRAND);
        }
    };
    let listening = orders::by_signal(events.clone()).and_then(|()| match errand.spot {
        Spot::Container => Ok(()),
        Spot::HostUser => orders::by_line(input, events.clone()),
    });
    let ending = match listening {
        Ok(()) => carry_out(&errand, &events, &inbox),
        Err(error) => refused(&format!("cannot listen for orders: {error}"), CANNOT_EXECUTE),
    };
    let code = ending.code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1);
    say(&errand.mark, &ending);
    ExitCode::from(code)
}

fn read(input: &mut impl BufRead) -> Result<Errand, String> {
    let (done, waited) = channel();
    let _ = thread::Builder::new().name("patience".to_owned()).spawn(move || {
        if waited.recv_timeout(PATIENCE).is_err() {
            std::process::exit(NO_ERRAND.into());
        }
    });
    let mut line = Vec::new();
    let read = input.take(ERRAND_LIMIT).read_until(b'\n', &mut line);
    let _ = done.send(());
    read.map_err(|error| error.to_string())?;
    if line.is_empty() {
        return Err("`al __box` is started by the scheduler, which tells it what to do".to_owned());
    }
    serde_json::from_slice(&line).map_err(|error| format!("unreadable errand: {error}"))
}

/// The last words, in one write, so that nothing gets between.
fn say(secret: &str, ending: &Ending) {
    let mut words = mark(secret).into_bytes();
    if serde_json::to_writer(&mut words, ending).is_ok() {
        words.push(b'\n');
        let mut out = io::stdout().lock();
        let _ = out.write_all(&words);
        let _ = out.flush();
    }
}

fn refused(message: &str, code: i32) -> Ending {
    Ending { code: Some(code), refusal: Some(message.to_owned()), ..Ending::default() }
}

fn carry_out(errand: &Errand, events: &Sender<Event>, inbox: &Receiver<Event>) -> Ending {
    if errand.spot == Spot::HostUser {
        // What the program leaves behind becomes a child of the box.
        let me = Some(rustix::process::getpid());
        if let Err(error) = rustix::process::set_child_subreaper(me) {
            return refused(&format!("cannot adopt what an agent leaves: {error}"), CANNOT_EXECUTE);
        }
    }
    let (rooms, own) = match furnish(errand) {
        Ok(rooms) => rooms,
        Err(error) => {
            return refused(&format!("cannot write the files of the run: {error}"), CANNOT_EXECUTE);
        }
    };
    let ending = match launch(errand, &rooms) {
        Ok(child) => attend(child, errand, &rooms, events, inbox),
        Err(refusal) => refused(&refusal.message, refusal.code),
    };
    let remains = Remains::read(&rooms.signals);
    if let Some(own) = own {
        let _ = layout::remove_tree(&own);
    }
    Ending { remains, ..ending }
}

/// Writes everything the program finds; also yields the folder to remove at the end.
fn furnish(errand: &Errand) -> io::Result<(Rooms, Option<PathBuf>)> {
    let (rooms, own) = match errand.spot {
        Spot::Container => (container_rooms(), None),
        Spot::HostUser => {
            let own = own_folder(errand)?;
            let binary = std::env::current_exe()?;
            let names: Vec<&str> = errand.tools.iter().map(String::as_str).collect();
            install_tools(&own.join("bin"), &binary, &names).map_err(io::Error::other)?;
            (user_rooms(&own, &errand.agent_dir), Some(own))
        }
    };
    layout::make_dir(&rooms.work)?;
    layout::make_dir(&rooms.signals)?;
    if let Some(parent) = rooms.trigger.parent() {
        layout::make_dir(parent)?;
    }
    layout::write(&rooms.trigger, &serde_json::to_vec(&errand.trigger)?)?;
    layout::write(&rooms.params, &serde_json::to_vec(&errand.params)?)?;
    layout::write(&rooms.env_file, b"")?;
    credentials::stage(&rooms.credentials, &errand.files)?;
    Ok((rooms, own))
}

/// The paths that agents for containers are written for.
fn container_rooms() -> Rooms {
    let home = Path::new(HOME);
    Rooms {
        work: home.to_owned(),
        agent_dir: STATIC.into(),
        bin: Path::new(BINARY).parent().unwrap_or(home).to_owned(),
        trigger: home.join(".al/trigger.json"),
        params: home.join(".al/params.json"),
        signals: home.join("signals"),
        env_file: home.join("env.sh"),
        credentials: CREDENTIALS.into(),
    }
}

fn user_rooms(own: &Path, agent_dir: &Path) -> Rooms {
    Rooms {
        work: own.join("work"),
        agent_dir: agent_dir.to_owned(),
        bin: own.join("bin"),
        trigger: own.join("trigger.json"),
        params: own.join("params.json"),
        signals: own.join("signals"),
        env_file: own.join("env.sh"),
        credentials: own.join("credentials"),
    }
}

/// A new folder that nobody else can have made before, as its name is not known in advance.
fn own_folder(errand: &Errand) -> io::Result<PathBuf> {
    let mark = errand.mark.get(..8).unwrap_or(&errand.mark);
    let name = format!("al-{}-{}-{mark}", errand.run, errand.attempt);
    let folder = std::env::temp_dir().join(name);
    DirBuilder::new().mode(0o700).create(&folder)?;
    Ok(folder)
}

fn launch(errand: &Errand, rooms: &Rooms) -> Result<Child, Refusal> {
    let mut gateway = errand.gateway.clone();
    if errand.spot == Spot::Container
        && let Some(access) = &mut gateway
    {
        let port = forward::start(Path::new(SOCKET))
            .map_err(|e| Refusal::cannot(format!("cannot lead to the gateway: {e}")))?;
        access.url = format!("http://gateway:{port}");
    }
    let around = match errand.spot {
        Spot::Container => Surroundings::everything(),
        Spot::HostUser => Surroundings::here(),
    };
    let given = Given {
        run: &errand.run,
        agent: &errand.agent,
        env: &errand.env,
        credentials: !errand.files.is_empty(),
        gateway: gateway.as_ref(),
    };
    let env = environment(given, rooms, &around);
    program::start(&errand.command, &rooms.agent_dir, &rooms.work, &env, Outputs::Shared)
}

/// Stays with the program until it and all it started have ended.
fn attend(
    mut child: Child,
    errand: &Errand,
    rooms: &Rooms,
    events: &Sender<Event>,
    inbox: &Receiver<Event>,
) -> Ending {
    let note = processes::note(child.id());
    let _ = fs::write(rooms.trigger.with_file_name("program"), note);
    feed(&mut child, errand);
    let Some(leader) = pid(child.id()) else { return Ending::default() };
    let ended = events.clone();
    let wait = move || {
        processes::await_leader(leader);
        let _ = ended.send(Event::Ended);
    };
    if thread::Builder::new().name("wait".to_owned()).spawn(wait).is_err() {
        processes::signal_group(leader, Signal::KILL);
        processes::await_leader(leader);
    } else {
        obey(leader, inbox);
    }
    processes::end_family(leader);
    let status = child.wait();
    let signal = status.as_ref().ok().and_then(ExitStatusExt::signal);
    let code = status.as_ref().ok().and_then(ExitStatus::code).or(signal.map(|s| 128 + s));
    Ending { code, signal, ..Ending::default() }
}

/// Does as told until the program has ended.
fn obey(leader: Pid, inbox: &Receiver<Event>) {
    while let Ok(Event::Told(order)) = inbox.recv() {
        match order {
            Order::Term => {
                processes::signal_group(leader, Signal::TERM);
                processes::signal_family(leader, Signal::CONT);
            }
            Order::Kill => processes::signal_family(leader, Signal::KILL),
            Order::Suspend => processes::suspend_family(leader),
            Order::Resume => processes::signal_family(leader, Signal::CONT),
        }
    }
}

fn feed(child: &mut Child, errand: &Errand) {
    let Some(mut stdin) = child.stdin.take() else { return };
    let input = errand.input.as_ref().unwrap_or(&errand.trigger);
    let Ok(mut input) = serde_json::to_vec(input) else { return };
    input.push(b'\n');
    let _ = thread::Builder::new().name("stdin".to_owned()).spawn(move || {
        let _ = stdin.write_all(&input);
    });
}

/// Executes a command with the environment that the container's program has.
pub fn enter(command: &[OsString]) -> ExitCode {
    let program = command.first().cloned().unwrap_or_else(|| "/bin/sh".into());
    let mut entered = Command::new(program);
    entered.args(command.get(1..).unwrap_or_default());
    entered.env_clear().envs(ambient::variables()).envs(of_program()).current_dir(HOME);
    let error = entered.exec();
    let _ = writeln!(io::stderr(), "al: {error}");
    ExitCode::from(if error.kind() == io::ErrorKind::NotFound { 127 } else { 126 })
}

/// The environment of the program that the box started; empty when there is none.
fn of_program() -> Vec<(String, String)> {
    let noted = fs::read_to_string(Path::new(HOME).join(".al/program")).unwrap_or_default();
    let pid = noted.split_whitespace().next().unwrap_or_default();
    let bytes = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let pair = |one: &str| one.split_once('=').map(|(n, v)| (n.to_owned(), v.to_owned()));
    text.split('\0').filter_map(pair).collect()
}
