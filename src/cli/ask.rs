//! Questions to the person at the terminal.

use std::io::{self, IsTerminal};

use super::output;

/// Whether there is somebody to ask.
pub fn somebody_there() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks, and takes nothing but a clear yes for one.
pub fn yes(question: &str) -> bool {
    output::remark(&format!("{question} [y/N] "));
    let mut line = String::new();
    io::stdin().read_line(&mut line).is_ok() && is_yes(&line)
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
