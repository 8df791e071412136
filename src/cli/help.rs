//! `al help`: the front page, the help of a command, and the guides of `docs/guides`.

use clap::ColorChoice;
use clap::error::ErrorKind;
use serde_json::json;

use super::context::nearest;
use super::paint::{Paint, Tone, safe};
use super::table::{Cell, Fit, Table};
use super::{Context, output, prose};
use crate::failure::Failure;

/// Print a guide, or the help of a command
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[command(after_help = "Examples:
  al help                      the commands, and the names of the guides
  al help topics               the guides
  al help webhooks             one of them
  al help stat                 the same as al stat --help")]
pub struct HelpArgs {
    /// A guide, or a command with its subcommands
    #[arg(value_name = "TOPIC")]
    pub words: Vec<String>,

    /// Print JSON: the guides, or the text of one or of a command's help
    #[arg(long)]
    pub json: bool,
}

/// A guide: its name, and its text in Markdown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guide {
    pub name: &'static str,
    pub text: &'static str,
}

/// The guides, in the order in which somebody may want to read them.
pub const GUIDES: [Guide; 10] = [
    guide("getting-started", include_str!("../../docs/guides/getting-started.md")),
    guide("console", include_str!("../../docs/guides/console.md")),
    guide("themes", include_str!("../../docs/guides/themes.md")),
    guide("agents", include_str!("../../docs/guides/agents.md")),
    guide("webhooks", include_str!("../../docs/guides/webhooks.md")),
    guide("credentials", include_str!("../../docs/guides/credentials.md")),
    guide("models", include_str!("../../docs/guides/models.md")),
    guide("runtimes", include_str!("../../docs/guides/runtimes.md")),
    guide("operations", include_str!("../../docs/guides/operations.md")),
    guide("security", include_str!("../../docs/guides/security.md")),
];

const fn guide(name: &'static str, text: &'static str) -> Guide {
    Guide { name, text }
}

impl Guide {
    /// What it is about, without its name in front.
    pub fn about(&self) -> &'static str {
        let title = self.text.lines().next().unwrap_or_default().trim_start_matches("# ");
        title.split_once(": ").map_or(title, |(_, about)| about)
    }
}

/// The word that stands for the list of guides.
const TOPICS: &str = "topics";

pub fn run(args: &HelpArgs, context: &Context) -> Result<(), Failure> {
    let words: Vec<&str> = args.words.iter().map(String::as_str).collect();
    let guide = match &words[..] {
        [name] => GUIDES.iter().find(|guide| guide.name == *name),
        _ => None,
    };
    if args.json {
        return output::print(&match guide {
            Some(guide) => format!("{}\n", document(guide, true)),
            None if words.is_empty() || words == [TOPICS] => {
                let all: Vec<_> = GUIDES.iter().map(|guide| document(guide, false)).collect();
                format!("{}\n", json!({"topics": all}))
            }
            None if is_command(&words) => {
                let text = page_of(&words, Paint::new(false));
                format!("{}\n", json!({"command": words.join(" "), "text": text}))
            }
            None => return Err(unknown(&words.join(" "))),
        });
    }
    let paint = context.look.out;
    if words == [TOPICS] {
        return output::print(&list(context.look.width, paint));
    }
    let is_command = words.is_empty() || is_command(&words);
    let mut text = String::new();
    if is_command {
        text.push_str(&page_of(&words, paint));
    }
    if let Some(guide) = guide {
        // A command may have the name of a guide.
        if is_command {
            text.push_str(&format!("\n{}\n\n", paint.on(Tone::Dim, &"-".repeat(72))));
        }
        text.push_str(&prose::page(guide.text, context.look.width, paint));
    }
    match text.is_empty() {
        true => Err(unknown(&words.join(" "))),
        false => output::print(&text),
    }
}

fn document(guide: &Guide, whole: bool) -> serde_json::Value {
    let mut document = json!({"name": guide.name, "about": guide.about()});
    if whole {
        document["text"] = guide.text.into();
    }
    document
}

fn list(width: usize, paint: Paint) -> String {
    let mut table = Table::new([("TOPIC", Fit::Keep), ("ABOUT", Fit::End)]);
    for guide in &GUIDES {
        table.row([Cell::new(Tone::Strong, guide.name), guide.about().into()]);
    }
    let all = table.render(width, paint);
    format!("{all}\n{}\n", paint.on(Tone::Dim, "al help TOPIC prints one"))
}

fn is_command(words: &[&str]) -> bool {
    let command = super::command();
    let mut at = Some(&command);
    for word in words {
        at = at.and_then(|command| command.find_subcommand(word));
    }
    at.is_some()
}

/// What `--help` prints.
fn page_of(words: &[&str], paint: Paint) -> String {
    let color = if paint.color { ColorChoice::Always } else { ColorChoice::Never };
    let line = std::iter::once("al").chain(words.iter().copied()).chain(["--help"]);
    match super::command().color(color).try_get_matches_from(line) {
        Err(error) if error.kind() == ErrorKind::DisplayHelp && paint.color => {
            error.render().ansi().to_string()
        }
        Err(error) if error.kind() == ErrorKind::DisplayHelp => error.render().to_string(),
        // `--help` is always answered with help.
        Ok(_) | Err(_) => String::new(),
    }
}

fn unknown(words: &str) -> Failure {
    let failure = Failure::user(
        "unknown_topic",
        format!("there is no guide and no command '{}'", safe(words)),
    );
    let command = super::command();
    let names = command.get_subcommands().map(clap::Command::get_name);
    let names = names.chain(GUIDES.iter().map(|guide| guide.name));
    match nearest(words, names) {
        Some(close) => failure.hint(format!("did you mean '{close}'?")),
        None => failure.hint("`al help topics` lists the guides, `al help` the commands"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guides_say_in_their_first_line_what_they_are_about() {
        for guide in GUIDES {
            let (head, _) = guide.text.split_once('\n').unwrap();
            assert!(head.starts_with("# ") && head.contains(": "), "{}: {head}", guide.name);
            assert!(guide.about().len() <= 64, "{}: {}", guide.name, guide.about());
            let lines = guide.text.lines().count();
            assert!((60..=180).contains(&lines), "{}: {lines} lines", guide.name);
        }
    }
}
