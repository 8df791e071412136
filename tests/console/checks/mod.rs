//! The acceptance checks of the console, each written once and walked by every kind of console in
//! two themes: `stage` says how.

mod load;
mod manners;
mod questions;
mod reading;
mod tables;

pub use tables::cursor;

use std::fmt::Write as _;

use insta::assert_snapshot;

use crate::stage::{Check, Mode};

/// A test for each part of the checks in each console and theme.
macro_rules! parts {
    ($($part:ident)*) => {
        const PARTS: &[&[Check]] = &[$($part::CHECKS),*];
        parts!(@ theme_terminal "terminal" $($part)*);
        parts!(@ theme_mono "mono" $($part)*);
    };
    (@ $name:ident $theme:literal $($part:ident)*) => {
        mod $name {
            $(mod $part {
                use crate::stage::{Mode, walk};

                #[test]
                fn in_process() {
                    walk(crate::checks::$part::CHECKS, Mode::InProcess, $theme);
                }

                #[test]
                fn attached() {
                    walk(crate::checks::$part::CHECKS, Mode::Attached, $theme);
                }

                #[test]
                fn on_a_replay() {
                    walk(crate::checks::$part::CHECKS, Mode::Replay, $theme);
                }
            })*
        }
    };
}

/// What each check says, and where it is not walked: all 25 of them are somewhere.
#[test]
fn every_check_is_walked() {
    let mut told = String::new();
    let mut checks: Vec<&Check> = PARTS.iter().copied().flatten().collect();
    checks.sort_by_key(|check| check.number);
    let numbers: Vec<u8> = checks.iter().map(|check| check.number).collect();
    assert_eq!(numbers, (1..=25).collect::<Vec<_>>());
    for check in checks {
        writeln!(told, "{:>2} {}", check.number, check.holds).unwrap();
        for (not, why) in check.not {
            writeln!(told, "   not {not:?}: {why}").unwrap();
        }
        let walked = |mode| check.why_not(mode, "terminal").is_none();
        assert!(Mode::ALL.into_iter().any(walked), "check {} is never walked", check.number);
    }
    assert_snapshot!("all", told);
}

parts! { tables questions reading load manners }
