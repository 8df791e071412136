//! `al why`: the chain from a trigger to the end of what it started.

use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr;

use super::paint::{Tone, safe};
use super::{Context, client, history, output, running, times};
use crate::ambient::Millis;
use crate::engine::{self, Asked};
use crate::failure::Failure;
use crate::store::Reader;

/// Say why a run or a firing went as it did
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[command(
    after_help = "Shows what fired, what came of it, why it waited, each attempt, calls, waits,
and how it ended. A cron tick that was skipped and a webhook that nobody wanted
left a receipt too: `al triggers --ids` lists them.

Examples:
  al why dev-1a2b3c4d     one run
  al why dev-1a2b         the beginning of its id, when it is clear
  al why 0199c3a7-        a firing, by its receipt"
)]
pub struct WhyArgs {
    /// A run or a receipt, or the beginning of its id
    #[arg(value_name = "RUN|RECEIPT")]
    pub id: String,

    /// Print JSON, with the typed reasons
    #[arg(long)]
    pub json: bool,
}

pub fn run(args: &WhyArgs, context: &Context) -> Result<(), Failure> {
    let reader = match history::reader(context) {
        Err(failure) if failure.code == client::ELSEWHERE => None,
        reader => reader?,
    };
    let known = match here(reader.as_ref(), &args.id, context) {
        // It may have been done there.
        Err(failure) if failure.code == UNKNOWN => {
            let Some(place) = elsewhere(context) else { return Err(failure) };
            let path = format!("/control/why/{}", encoded(&args.id));
            client::Client::at(place, context)?.get(&path)?
        }
        known => known?,
    };
    if args.json {
        return output::print(&format!("{known}\n"));
    }
    output::print(&page(&known, context))
}

/// Code of the failure that no run and no receipt has this id.
// codes: unknown_id
const UNKNOWN: &str = "unknown_id";

/// Where the project's history is, when that is another machine.
fn elsewhere(context: &Context) -> Option<client::Place> {
    let project = context.load().ok()?.project;
    let here = running::running(&context.state_dir());
    let place = client::place(&project, here.as_ref(), context).ok().flatten();
    place.filter(|place| place.remote)
}

fn here(reader: Option<&Reader>, id: &str, context: &Context) -> Result<Value, Failure> {
    let asked = match reader {
        Some(reader) => engine::why(reader, id, context.now_ms)?,
        None => Asked::Unknown,
    };
    match asked {
        Asked::Known { id, steps } => Ok(json!({"id": id, "steps": steps})),
        Asked::Unclear(ids) => {
            let message = format!("several ids begin with '{}'", safe(id));
            Err(Failure::user("unclear_id", message).hint(format!("one of {}", ids.join(", "))))
        }
        Asked::Unknown => {
            let message = format!("no run and no receipt is named '{}'", safe(id));
            Err(Failure::user(UNKNOWN, message).hint("`al runs` and `al triggers --ids` list them"))
        }
    }
}

/// For the path of a URL: ids have nothing else.
fn encoded(id: &str) -> String {
    form_urlencoded::byte_serialize(id.as_bytes()).collect::<String>().replace('+', "%20")
}

fn page(known: &Value, context: &Context) -> String {
    let id = known["id"].as_str().unwrap_or_default();
    let steps = known["steps"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut text = format!("{}\n", context.look.out.on(Tone::Strong, &safe(id)));
    let mut day = String::new();
    for step in steps {
        let at: Millis = step["at_ms"].as_i64().unwrap_or_default();
        let date = times::day(at);
        if date != day {
            text.push_str(&format!("{}\n", context.look.out.on(Tone::Dim, &date)));
            day = date;
        }
        let said = safe(step["text"].as_str().unwrap_or_default());
        let about = step["about"].as_str().unwrap_or_default();
        // What a firing did is told run by run.
        let said = if about == id { said } else { format!("{}: {said}", safe(about)) };
        let clock = times::clock(at);
        let room = context.look.width.saturating_sub(clock.len() + 4).max(20);
        for (n, line) in wrapped(&said, room).iter().enumerate() {
            let margin = if n == 0 { clock.as_str() } else { "" };
            text.push_str(&format!(
                "  {}  {line}\n",
                context.look.out.on(Tone::Dim, &format!("{margin:8}"))
            ));
        }
    }
    text
}

/// The text in lines of at most `width` columns; longer words stay whole, because they are copied.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.width() + 1 + word.width() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
