//! What the engine says while it builds.

use std::collections::VecDeque;

/// Lines that an explanation quotes.
const TAIL: usize = 20;
/// Where a line is cut that never ends.
const LINE_MAX: usize = 2000;

/// What the builder puts around that which a step writes to stderr.
const RED: [&str; 2] = ["\u{1b}[91m", "\u{1b}[0m"];

/// One instruction of a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// From 1.
    pub number: u32,
    pub of: u32,
    pub text: String,
}

/// Puts the pieces of a build's output together.
#[derive(Debug, Default)]
pub struct Output {
    step: Option<Step>,
    tail: VecDeque<String>,
    partial: String,
}

impl Output {
    /// Takes a piece and returns the lines that it completes and a person wants to see.
    pub fn take(&mut self, piece: &str) -> Vec<String> {
        let mut lines = Vec::new();
        for c in piece.chars() {
            match c {
                '\n' | '\r' => lines.extend(self.line()),
                _ if self.partial.len() >= LINE_MAX => {}
                _ => self.partial.push(c),
            }
        }
        lines
    }

    /// The instruction that is being carried out.
    pub fn step(&self) -> Option<&Step> {
        self.step.as_ref()
    }

    /// The last lines of the instruction's own output.
    pub fn end(mut self) -> (Option<Step>, Vec<String>) {
        self.line();
        (self.step, self.tail.into())
    }

    fn line(&mut self) -> Option<String> {
        let line = RED.iter().fold(std::mem::take(&mut self.partial), |l, c| l.replace(c, ""));
        let line = line.trim_end();
        if line.is_empty() || is_bookkeeping(line) {
            return None;
        }
        if let Some(step) = step(line) {
            self.tail.clear();
            let text = step.text.clone();
            self.step = Some(step);
            return Some(text);
        }
        if self.tail.len() == TAIL {
            self.tail.pop_front();
        }
        self.tail.push_back(line.to_owned());
        Some(line.to_owned())
    }
}

/// What the builder notes for itself between the lines of others.
fn is_bookkeeping(line: &str) -> bool {
    ["Removing intermediate container ", "Successfully built "].iter().any(|s| line.starts_with(s))
        || line.trim_start().starts_with("---> ")
}

/// `Step 3/7 : RUN x`
fn step(line: &str) -> Option<Step> {
    let (numbers, text) = line.strip_prefix("Step ")?.split_once(" : ")?;
    let (number, of) = numbers.split_once('/')?;
    Some(Step { number: number.parse().ok()?, of: of.parse().ok()?, text: text.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_become_lines_and_steps() {
        let mut output = Output::default();
        assert_eq!(output.take("Step 1/2 : FROM x\n ---> 0123\n"), ["FROM x"]);
        assert_eq!(output.take("St"), Vec::<String>::new());
        assert_eq!(output.take("ep 2/2 : RUN y\n"), ["RUN y"]);
        let step = Step { number: 2, of: 2, text: "RUN y".to_owned() };
        assert_eq!(output.step(), Some(&step));
        assert_eq!(output.take(" ---> Running in 01\n10%\r20%\rdo"), ["10%", "20%"]);
        let tail = ["10%", "20%", "do"].map(str::to_owned).to_vec();
        assert_eq!(output.end(), (Some(step), tail));
    }

    #[test]
    fn the_builders_own_colours_and_notes_are_left_out() {
        let mut output = Output::default();
        let said = "\u{1b}[91mno such file\n\u{1b}[0mRemoving intermediate container 01\n";
        assert_eq!(output.take(said), ["no such file"]);
    }

    #[test]
    fn only_the_last_lines_of_the_last_step_are_kept() {
        let mut output = Output::default();
        output.take("early\nStep 1/1 : RUN z\n");
        (0..30).for_each(|n| drop(output.take(&format!("{n}\n"))));
        output.take(&"x".repeat(10_000));
        let (_, tail) = output.end();
        assert_eq!((tail.len(), tail[0].as_str(), tail[19].len()), (TAIL, "11", LINE_MAX));
    }
}
