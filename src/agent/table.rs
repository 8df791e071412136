//! The commands: their names, what they are told, how they complain. Usage, help and the links on a
//! run's `PATH` come from here.

use std::ffi::OsString;

use super::gateway::Gateway;
use super::usage::{Given, Misuse};
use super::{Input, Place, Reply, calls, gateway, locks, setenv, signals, waits};

/// One command under all of its names.
pub(super) struct Row {
    pub names: &'static [&'static str],
    /// How it is called; `<cmd>` stands for the name.
    pub form: &'static str,
    pub about: &'static str,
    pub options: &'static [Opt],
    pub voice: Voice,
    pub does: Does,
}

/// An option with a value.
pub(super) struct Opt {
    pub name: &'static str,
    pub value: &'static str,
    pub about: &'static str,
    /// It may be given again and again.
    pub many: bool,
}

/// Where a complaint stands: in the field that callers of this command look at.
#[derive(Clone, Copy)]
pub(super) enum Voice {
    /// `{"ok":false,"error":...}`
    Error,
    /// `{"ok":false,"reason":...}`
    Reason,
    /// `{"ok":false,"reason":...,"error":...}`
    Both,
    /// `{"status":"error","errorMessage":...}`
    Status,
    /// `{"error":...}`
    Bare,
    /// A line on stderr, exit code 1.
    Stderr,
}

/// What a command does with its arguments.
pub(super) enum Does {
    /// Takes them as they are; it has something to do without a gateway too.
    Words(fn(&Place, &[OsString], Input) -> Result<Reply, Misuse>),
    /// Asks the gateway.
    Asks(Alone, fn(&Gateway, &Given) -> Result<Reply, Misuse>),
}

/// What a run is told that has no gateway to ask, whatever the arguments are.
#[derive(Clone, Copy)]
pub(super) enum Alone {
    /// That all is well: nobody else is there to get in the way.
    Fine,
    /// That there is no gateway.
    NoGateway,
}

const TTL: Opt = Opt {
    name: "ttl",
    value: "SPAN",
    about: "when the lock frees itself (30m unless told)",
    many: false,
};

pub(super) const TABLE: [Row; 14] = [
    Row {
        names: &["al-status"],
        form: "<cmd> \"<text>\"",
        about: "Says how far the run is",
        options: &[],
        voice: Voice::Error,
        does: Does::Words(signals::status),
    },
    Row {
        names: &["al-return"],
        form: "<cmd> [value...]",
        about: "Leaves the result of the run, from stdin without arguments; the last one counts",
        options: &[],
        voice: Voice::Error,
        does: Does::Words(signals::result),
    },
    Row {
        names: &["al-exit"],
        form: "<cmd> [<code from 0 to 255>]",
        about: "Sets the exit code of the run (15 unless told); does not end the program",
        options: &[],
        voice: Voice::Error,
        does: Does::Words(signals::exit),
    },
    Row {
        names: &["al-rerun"],
        form: "<cmd>",
        about: "Asks for another run after this one, because more work is waiting",
        options: &[],
        voice: Voice::Error,
        does: Does::Words(signals::rerun),
    },
    Row {
        names: &["al-shutdown"],
        form: "<cmd> [reason]",
        about: "Asks the scheduler to end this run now",
        options: &[],
        voice: Voice::Error,
        does: Does::Words(gateway::shutdown),
    },
    Row {
        names: &["setenv"],
        form: "<cmd> NAME VALUE [NAME VALUE...]",
        about: "Adds `export` lines to $AL_ENV_FILE, for whoever reads that file later in the run",
        options: &[],
        voice: Voice::Stderr,
        does: Does::Words(setenv::setenv),
    },
    Row {
        names: &["rlock"],
        form: "<cmd> <resourceKey>",
        about: "Takes the lock of a resource, named by a URI like github://owner/repo/issues/1",
        options: &[
            TTL,
            Opt {
                name: "wait",
                value: "SPAN",
                about: "tries again for so long; a deadlock ends it at once",
                many: false,
            },
        ],
        voice: Voice::Error,
        does: Does::Asks(Alone::Fine, locks::acquire),
    },
    Row {
        names: &["runlock"],
        form: "<cmd> <resourceKey>",
        about: "Frees a lock of this run",
        options: &[],
        voice: Voice::Error,
        does: Does::Asks(Alone::Fine, locks::release),
    },
    Row {
        names: &["rlock-heartbeat"],
        form: "<cmd> <resourceKey>",
        about: "Keeps a lock of this run for another while",
        options: &[TTL],
        voice: Voice::Error,
        does: Does::Asks(Alone::Fine, locks::heartbeat),
    },
    Row {
        names: &["al-call", "al-subagent"],
        form: "echo ctx | <cmd> <agent>",
        about: "Starts a run of another agent with the context from stdin, and prints its call id",
        options: &[Opt {
            name: "key",
            value: "KEY",
            about: "calls with the same key are one call",
            many: false,
        }],
        voice: Voice::Reason,
        does: Does::Asks(Alone::NoGateway, calls::call),
    },
    Row {
        names: &["al-check", "al-subagent-check"],
        form: "<cmd> <callId>",
        about: "Prints how a call stands",
        options: &[],
        voice: Voice::Status,
        does: Does::Asks(Alone::NoGateway, calls::check),
    },
    Row {
        names: &["al-wait", "al-subagent-wait"],
        form: "<cmd> <callId> [callId...] [--timeout N]",
        about: "Waits until all these calls have ended, and prints how, by call id",
        options: &[Opt {
            name: "timeout",
            value: "SPAN",
            about: "gives up after this time (900 seconds unless told)",
            many: false,
        }],
        voice: Voice::Bare,
        does: Does::Asks(Alone::NoGateway, calls::wait),
    },
    Row {
        names: &["al-wait-for"],
        form: "<cmd> webhook|agent [options]",
        about: "Waits for a webhook, or for a call by another agent, and prints what it brought. \
                The run is stopped meanwhile and leaves its place to others",
        options: &[
            Opt { name: "source", value: "SOURCE", about: "webhook: of this source", many: false },
            Opt { name: "event", value: "EVENT", about: "webhook: of this kind", many: false },
            Opt {
                name: "match",
                value: "PATH=TEXT",
                about: "webhook: with this text there; may be given several times",
                many: true,
            },
            Opt { name: "from", value: "AGENT", about: "agent: called by this one", many: false },
            TIMEOUT,
        ],
        voice: Voice::Both,
        does: Does::Asks(Alone::NoGateway, waits::wait_for),
    },
    Row {
        names: &["al-ask"],
        form: "<cmd> \"<question>\" [choice...]",
        about: "Asks a person, waits, and prints the answer. The run is stopped meanwhile and \
                leaves its place to others",
        options: &[TIMEOUT],
        voice: Voice::Both,
        does: Does::Asks(Alone::NoGateway, waits::ask),
    },
];

const TIMEOUT: Opt =
    Opt { name: "timeout", value: "SPAN", about: "gives up after this time", many: false };

/// All names, for whoever puts them on a run's `PATH`.
pub const COMMANDS: [&str; count()] = names();

/// The command of that name.
pub(super) fn find(name: &str) -> Option<&'static Row> {
    const ROWS: &[Row] = &TABLE;
    ROWS.iter().find(|row| row.names.contains(&name))
}

const fn count() -> usize {
    let (mut row, mut count) = (0, 0);
    while row < TABLE.len() {
        count += TABLE[row].names.len();
        row += 1;
    }
    count
}

const fn names() -> [&'static str; count()] {
    let mut all = [""; count()];
    let (mut row, mut at) = (0, 0);
    while row < TABLE.len() {
        let mut name = 0;
        while name < TABLE[row].names.len() {
            all[at] = TABLE[row].names[name];
            name += 1;
            at += 1;
        }
        row += 1;
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_one_row_and_is_in_the_manuals() {
        let manuals = [include_str!("../../README.md"), include_str!("mod.rs")];
        for name in COMMANDS {
            let rows = TABLE.iter().filter(|row| row.names.contains(&name)).count();
            assert_eq!(rows, 1, "{name}");
            for manual in manuals {
                let named = [format!("`{name}`"), format!("`{name} ")];
                assert!(named.iter().any(|named| manual.contains(named)), "{name}");
            }
        }
    }
}
