//! Questions to the person at the terminal.

use std::io::{self, IsTerminal};

use super::output;
use crate::failure::Failure;

/// Whether there is somebody to ask.
pub fn somebody_there() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// That nobody is there to do something, with what to do instead to be added as a hint.
pub fn nobody(to_do: &str) -> Failure {
    Failure::user("nobody_to_ask", format!("nobody is there to {to_do}"))
}

/// Whether changes can be asked about, or need not be because of `yes`.
///
/// # Errors
/// When nobody is there.
pub fn possible(yes: bool) -> Result<(), Failure> {
    if yes || somebody_there() {
        return Ok(());
    }
    Err(Failure::user("nobody_to_ask", "each change is asked about, and nobody is there")
        .hint("in a terminal: al doctor --fix")
        .hint("without questions: al doctor --fix --yes"))
}

/// Asks, and takes nothing but a clear yes for one.
pub fn yes(question: &str) -> bool {
    output::insist(&format!("{question} [y/N] "));
    let mut line = String::new();
    io::stdin().read_line(&mut line).is_ok() && is_yes(&line)
}

/// An answer to one of several questions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    Yes,
    No,
    /// Yes, and to those behind it too.
    All,
}

/// Asks one of several questions, and takes nothing but a clear yes for one.
pub fn each(question: &str) -> Said {
    output::insist(&format!("{question} [y/N, a: all] "));
    let mut line = String::new();
    match io::stdin().read_line(&mut line) {
        Ok(_) if is_yes(&line) => Said::Yes,
        Ok(_) if ["a", "all"].contains(&line.trim().to_ascii_lowercase().as_str()) => Said::All,
        _ => Said::No,
    }
}

fn is_yes(line: &str) -> bool {
    ["y", "yes"].contains(&line.trim().to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_clear_yes_is_one() {
        let check = |line: &str, expected: bool| assert_eq!(is_yes(line), expected, "{line:?}");
        check("y\n", true);
        check(" Yes \n", true);
        check("\n", false);
        check("", false);
        check("yep\n", false);
        check("n\n", false);
    }
}
