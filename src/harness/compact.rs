//! Making a conversation shorter before it is too long for the model.
//!
//! What stays: the task (the first message), the newest turns as they were, and in place of all
//! between them a summary. The cut never parts a call from its result, because providers refuse such
//! a conversation.

use std::fmt::Write as _;

use crate::llm::{Arguments, Message, Part};

/// Characters that are counted as a token where nobody has counted.
const CHARS_PER_TOKEN: usize = 4;
/// The share of the window that the newest turns may keep.
const KEEP: f64 = 0.25;
/// The longest text of one message in what is to be summed up.
const QUOTE_MAX: usize = 2_000;
/// The longest result that is kept when there is no summary.
const STUMP_MAX: usize = 200;

/// What a model is told that has to sum up.
pub const SUMMARY_SYSTEM: &str = "You keep the notes of an agent whose conversation has become too \
long. From the record you are given, write what the agent needs to go on without having seen it: \
what was done and found (with file names, commands, ids and figures), what was decided and why, what \
was tried in vain, what a person said, and what is still to be done, in order. Only what the record \
says; no advice, no introduction.";

/// Tokens of a conversation, roughly.
pub fn estimate(messages: &[Message]) -> u64 {
    messages.iter().map(|message| (size(message) / CHARS_PER_TOKEN) as u64 + 4).sum()
}

fn size(message: &Message) -> usize {
    match message {
        Message::User(text) => text.len(),
        Message::Assistant(parts) => parts.iter().map(part_size).sum(),
        Message::Results(results) => results.iter().map(|r| r.text.len() + r.id.len()).sum(),
    }
}

fn part_size(part: &Part) -> usize {
    match part {
        Part::Text(text) => text.len(),
        Part::Thinking { text, signature } => {
            text.len() + signature.as_ref().map_or(0, String::len)
        }
        Part::Call(call) => {
            let arguments = match &call.arguments {
                Arguments::Valid(map) => {
                    map.iter().map(|(key, value)| key.len() + value_size(value)).sum()
                }
                Arguments::Malformed(text) => text.len(),
            };
            call.id.len() + call.tool.len() + arguments
        }
    }
}

/// The length of a value as JSON, without making it.
fn value_size(value: &serde_json::Value) -> usize {
    use serde_json::Value;
    match value {
        Value::String(text) => text.len() + 2,
        Value::Array(items) => items.iter().map(|item| value_size(item) + 1).sum(),
        Value::Object(map) => map.iter().map(|(k, v)| k.len() + value_size(v) + 4).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 6,
    }
}

/// Where the newest turns begin that may stay as they are: at a reply, and never at the first
/// message. None when there is nothing between the task and them.
pub fn cut(messages: &[Message], window: u32) -> Option<usize> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let room = (f64::from(window) * KEEP) as u64;
    let replies = messages
        .iter()
        .enumerate()
        .skip(2) // the task and the first reply, behind which there is nothing to take out
        .filter(|(_, message)| matches!(message, Message::Assistant(_)))
        .map(|(at, _)| at);
    let starts: Vec<usize> = replies.collect();
    // The earliest that fits; of turns that are all too long, the last one.
    let fitting = starts.iter().find(|at| estimate(&messages[**at..]) <= room);
    fitting.or(starts.last()).copied()
}

/// What is to be summed up, for a model to read.
pub fn record(messages: &[Message]) -> String {
    let mut text = String::new();
    for message in messages {
        match message {
            Message::User(said) => section(&mut text, "told to the agent", said),
            Message::Assistant(parts) => {
                for part in parts {
                    match part {
                        Part::Text(said) => section(&mut text, "the agent", said),
                        Part::Thinking { .. } => {}
                        Part::Call(call) => {
                            let arguments = match &call.arguments {
                                Arguments::Valid(map) => serde_json::to_string(map),
                                Arguments::Malformed(text) => Ok(text.clone()),
                            };
                            let arguments = arguments.unwrap_or_default();
                            section(&mut text, &format!("uses {}", call.tool), &arguments);
                        }
                    }
                }
            }
            Message::Results(results) => {
                for result in results {
                    let failed = if result.is_error { " (failed)" } else { "" };
                    let title = format!("result of {}{failed}", result.tool);
                    section(&mut text, &title, &result.text);
                }
            }
        }
    }
    text
}

fn section(text: &mut String, title: &str, said: &str) {
    let _ = writeln!(text, "[{title}]\n{}\n", shortened(said, QUOTE_MAX));
}

/// Head and tail of a text, with what is missing between them.
fn shortened(text: &str, max: usize) -> String {
    if text.len() <= max {
        return text.to_owned();
    }
    let (mut head, mut tail) = (max / 2, text.len() - max / 2);
    while !text.is_char_boundary(head) {
        head -= 1;
    }
    while !text.is_char_boundary(tail) {
        tail += 1;
    }
    format!("{}\n[... {} bytes ...]\n{}", &text[..head], tail - head, &text[tail..])
}

/// The shorter conversation: the task with the summary under it, then the newest turns.
pub fn with_summary(messages: &[Message], at: usize, task: &str, summary: &str) -> Vec<Message> {
    let first = format!(
        "{task}\n\n<summary>\nThe conversation so far was made shorter. What happened in it:\n\n\
         {}\n</summary>",
        summary.trim()
    );
    let mut shorter = vec![Message::User(first)];
    shorter.extend_from_slice(&messages[at..]);
    shorter
}

/// The same without a model to sum up: everything before the newest turns stays, but results only as
/// their beginnings.
pub fn with_stumps(messages: &[Message], at: usize) -> Vec<Message> {
    let mut shorter = messages.to_vec();
    for message in &mut shorter[..at] {
        if let Message::Results(results) = message {
            for result in results {
                result.text = shortened(&result.text, STUMP_MAX);
            }
        }
    }
    shorter
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::llm::{Call, CallResult};

    fn call(id: usize) -> Message {
        Message::Assistant(vec![
            Part::Text(format!("step {id}")),
            Part::Call(Call {
                id: id.to_string(),
                tool: "bash".into(),
                arguments: Arguments::Valid(
                    serde_json::json!({"command": "ls"}).as_object().cloned().unwrap(),
                ),
                signature: None,
            }),
        ])
    }

    fn result(id: usize, text: String) -> Message {
        Message::Results(vec![CallResult {
            id: id.to_string(),
            tool: "bash".into(),
            text,
            is_error: false,
        }])
    }

    fn conversation(turns: usize, result_len: usize) -> Vec<Message> {
        let mut all = vec![Message::User("the task".into())];
        for turn in 0..turns {
            all.push(call(turn));
            all.push(result(turn, "x".repeat(result_len)));
        }
        all
    }

    #[test]
    fn the_cut_is_at_a_reply_and_keeps_a_quarter_of_the_window() {
        let all = conversation(20, 400);
        let at = cut(&all, 2_000).unwrap();
        assert!(matches!(all[at], Message::Assistant(_)));
        assert!(estimate(&all[at..]) <= 500, "{}", estimate(&all[at..]));
        assert!(estimate(&all[at - 2..]) > 500);
    }

    #[test]
    fn a_last_turn_that_is_too_long_stays_all_the_same() {
        let all = conversation(3, 10_000);
        assert_eq!(cut(&all, 1_000), Some(5));
    }

    #[test]
    fn nothing_is_cut_where_there_is_nothing_between() {
        assert_eq!(cut(&conversation(0, 1), 1_000), None);
        assert_eq!(cut(&conversation(1, 10_000), 1_000), None);
    }

    #[test]
    fn the_shorter_conversation_starts_with_the_task_and_goes_on_with_a_reply() {
        let all = conversation(20, 400);
        let at = cut(&all, 2_000).unwrap();
        let shorter = with_summary(&all, at, "the task", " what happened \n");
        let Message::User(first) = &shorter[0] else { panic!("{shorter:?}") };
        insta::assert_snapshot!(first, @"
        the task

        <summary>
        The conversation so far was made shorter. What happened in it:

        what happened
        </summary>
        ");
        assert_eq!(shorter[1..], all[at..]);
    }

    #[test]
    fn what_is_summed_up_reads_like_a_record() {
        let mut all = conversation(1, 3);
        all.push(Message::User("hurry".into()));
        insta::assert_snapshot!(record(&all[1..]), @r#"
        [the agent]
        step 0

        [uses bash]
        {"command":"ls"}

        [result of bash]
        xxx

        [told to the agent]
        hurry
        "#);
    }

    #[test]
    fn without_a_summary_results_lose_all_but_their_ends() {
        let all = conversation(4, 10_000);
        let shorter = with_stumps(&all, 5);
        assert!(estimate(&shorter[..5]) < 300);
        assert_eq!(shorter[5..], all[5..]);
        assert_eq!(shorter.len(), all.len());
    }
}
