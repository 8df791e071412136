//! The box at work: from the errand to the last words.

use std::fs;
use std::io::{self, BufRead, BufReader, Read as _, Write as _};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitCode, ExitStatus};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal};

use super::errand::{Ending, Errand, Spot, mark};
use super::orders::{self, Order};
use super::own::Folder;
use super::{BIN, NO_ERRAND, SOCKET, STATIC, forward};
use crate::runtime::claim::pid;
use crate::runtime::environment::{Given, Surroundings, environment};
use crate::runtime::program::{self, Outputs, Refusal};
use crate::runtime::remains::Remains;
use crate::runtime::rooms::Rooms;
use crate::runtime::{CANNOT_EXECUTE, install_tools, processes};

/// An errand is at most this large; a webhook's body is 10 MiB.
const ERRAND_LIMIT: u64 = 64 * 1024 * 1024;
/// Whoever started the box has told it its errand by then, or never will.
const PATIENCE: Duration = Duration::from_secs(60);
/// Where a container keeps what is the run's own.
pub(super) const HOME: &str = "/tmp";
/// Below it: which process the program is.
pub(super) const PROGRAM: &str = ".al/program";
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
    let surroundings = match errand.spot {
        Spot::Container => Ok((container_rooms(), None)),
        Spot::HostUser => own_rooms(errand).map(|(rooms, folder)| (rooms, Some(folder))),
    };
    let furnished = surroundings.and_then(|(rooms, folder)| {
        rooms.furnish(&errand.trigger, &errand.params, &errand.files).map(|()| (rooms, folder))
    });
    // The folder goes at the end of this function.
    let (rooms, folder) = match furnished {
        Ok(furnished) => furnished,
        Err(error) => {
            return refused(&format!("cannot write the files of the run: {error}"), CANNOT_EXECUTE);
        }
    };
    let ending = match launch(errand, &rooms, folder.as_ref()) {
        Ok(child) => attend(child, errand, &rooms, events, inbox),
        Err(refusal) => refused(&refusal.message, refusal.code),
    };
    Ending { remains: Remains::read(&rooms.signals), ..ending }
}

/// The paths that agents for containers are written for.
fn container_rooms() -> Rooms {
    let home = Path::new(HOME);
    Rooms {
        work: home.to_owned(),
        trigger: home.join(".al/trigger.json"),
        params: home.join(".al/params.json"),
        signals: home.join("signals"),
        env_file: home.join("env.sh"),
        credentials: CREDENTIALS.into(),
    }
}

/// A folder of this user with the commands of agents in it.
fn own_rooms(errand: &Errand) -> io::Result<(Rooms, Folder)> {
    let folder = Folder::new()?;
    let names: Vec<&str> = errand.tools.iter().map(String::as_str).collect();
    install_tools(&folder.bin(), &std::env::current_exe()?, &names).map_err(io::Error::other)?;
    Ok((Rooms::within(folder.path()), folder))
}

fn launch(errand: &Errand, rooms: &Rooms, folder: Option<&Folder>) -> Result<Child, Refusal> {
    let mut gateway = errand.gateway.clone();
    if errand.spot == Spot::Container
        && let Some(access) = &mut gateway
    {
        let port = forward::start(Path::new(SOCKET))
            .map_err(|e| Refusal::cannot(format!("cannot lead to the gateway: {e}")))?;
        access.url = format!("http://gateway:{port}");
    }
    let (around, agent_dir, bin) = match folder {
        None => (Surroundings::everything(), Path::new(STATIC), PathBuf::from(BIN)),
        Some(folder) => (Surroundings::here(), errand.agent_dir.as_path(), folder.bin()),
    };
    let given = Given {
        run: &errand.run,
        agent: &errand.agent,
        agent_dir,
        bin: &bin,
        env: &errand.env,
        credentials: !errand.files.is_empty(),
        gateway: gateway.as_ref(),
    };
    let env = environment(given, rooms, &around);
    program::start(&errand.command, agent_dir, &rooms.work, &env, Outputs::Shared)
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
