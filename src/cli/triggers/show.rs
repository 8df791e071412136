//! `al triggers show`.

use std::io::{IsTerminal, Write};

use serde_json::json;

use super::{ShowArgs, outcome_tone, whole_id};
use crate::cli::history::{reader, repeats, state_tone};
use crate::cli::paint::{Tone, safe};
use crate::cli::{Context, output, times};
use crate::engine::{self, Told};
use crate::failure::Failure;
use crate::scheduler::TriggerKind;

/// Lines of a body that are shown; `--body` prints it all.
const LINES: usize = 100;
const LABEL: usize = 10;

pub fn run(args: &ShowArgs, context: &Context) -> Result<(), Failure> {
    let project = context.load()?.project;
    let id = whole_id(&args.id, context)?;
    if args.body {
        return body(&id, context);
    }
    let told = match reader(context)? {
        Some(reader) => engine::receipt(&reader, &id, |agent| repeats(&project, agent))?,
        None => None,
    };
    let Some(told) = told else { return Err(Failure::user("unknown_id", "it was just pruned")) };
    if args.json {
        let document = json!({"trigger": told.row, "runs": told.runs, "delivery": told.delivery});
        return output::print(&format!("{document}\n"));
    }
    output::print(&page(&told, context))
}

fn no_body(id: &str) -> Failure {
    Failure::user("no_body", "receipt has no stored payload")
        .hint(format!("what is kept of it: al triggers show {id}"))
}

/// The body alone. What reads it is a program, so it is what was delivered, byte for byte; on a
/// terminal it can do no harm.
fn body(id: &str, context: &Context) -> Result<(), Failure> {
    let kept = reader(context)?.map(|reader| reader.envelope(id)).transpose()?.flatten();
    let kept = kept.ok_or_else(|| no_body(id))?;
    if let Some(whole) = kept.cut_from_bytes {
        output::remark(&format!("the first {} of {whole} bytes\n", kept.body.len()));
    }
    let mut out = output::stdout();
    if out.is_terminal() {
        return output::print(&harmless(&String::from_utf8_lossy(&kept.body)));
    }
    // Whoever stopped reading has enough.
    let _ = out.write_all(&kept.body).and_then(|()| out.flush());
    Ok(())
}

/// Lines that can drive no terminal, with their indentation.
fn harmless(text: &str) -> String {
    let lines = text.lines().map(|line| {
        let indent = line.len() - line.trim_start_matches(' ').len();
        format!("{}{}\n", " ".repeat(indent), safe(line))
    });
    lines.collect()
}

fn page(told: &Told, context: &Context) -> String {
    let (row, receipt, paint) = (&told.row, &told.receipt, context.look.out);
    let mut text = format!("{}\n", paint.on(Tone::Strong, &safe(&row.id)));
    let mut add = |label: &str, value: &str| {
        let label = paint.on(Tone::Dim, &format!("{label:LABEL$}"));
        text.push_str(&format!("{label} {value}\n"));
    };
    add("outcome", &paint.on(outcome_tone(row.outcome), row.outcome.word()));
    row.dead.iter().for_each(|reason| add("reason", &safe(reason)));
    add("why", &safe(&row.why));
    let what = match receipt.trigger.kind {
        TriggerKind::Webhook => format!("{} {}", row.source, row.summary),
        _ => format!("{}: {}", row.source, row.summary),
    };
    add("what", &safe(&what));
    add("at", &times::iso(row.at_ms));
    if let Some(last_ms) = row.last_ms {
        add("last", &format!("{}, {} times in all", times::iso(last_ms), row.times));
    }
    row.by.iter().for_each(|by| add("by", &safe(by)));
    row.replay_of.iter().for_each(|id| add("replay of", &safe(id)));
    receipt.dedupe.iter().for_each(|key| add("once as", &safe(key)));
    for run in &told.runs {
        let state = paint.on(state_tone(run.state), run.state.word());
        add("run", &format!("{} {state}: {}", safe(&run.id), safe(&run.why)));
    }
    let Some(delivery) = &told.delivery else { return text };
    delivery
        .sent_to
        .iter()
        .for_each(|segment| add("sent to", &format!("/webhooks/{}", safe(segment))));
    if !delivery.signed_by.is_empty() {
        add("signed by", &safe(&delivery.signed_by.join(", ")));
    }
    text.push('\n');
    for (name, value) in &delivery.headers {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let name = paint.on(Tone::Dim, &format!("{}:", safe(name)));
        text.push_str(&format!("{name} {}\n", safe(&value)));
    }
    text.push('\n');
    let body = harmless(&delivery.readable());
    body.lines().take(LINES).for_each(|line| text.push_str(&format!("{line}\n")));
    let more = body.lines().count().saturating_sub(LINES);
    let mut remarks: Vec<String> = delivery.remark().into_iter().collect();
    if more > 0 {
        remarks.push(format!("{more} more lines, `--body` prints them"));
    }
    if !remarks.is_empty() {
        let remarks = format!("({})", remarks.join("; "));
        text.push_str(&format!("{}\n", paint.on(Tone::Dim, &remarks)));
    }
    text
}
