//! The shortest command.

use std::process::{Command, Stdio};

use crate::measure::{Aim, Table, compare};
use crate::project::AL;

pub fn measure(table: &mut Table) {
    let run = |command: &mut Command| {
        assert!(command.stdout(Stdio::null()).status().unwrap().success());
    };
    let (al, floor) = compare(
        300,
        || run(Command::new(AL).arg("--version")),
        || run(&mut Command::new("/bin/true")),
    );
    table.row("al --version", al, ("/bin/true", floor), "ms", Aim::AtMost(floor + 5.0));
}
