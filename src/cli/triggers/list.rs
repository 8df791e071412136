//! `al triggers ls`.

use serde_json::json;

use super::{ListArgs, outcome_tone, whole_id};
use crate::cli::table::{Cell, Fit, Table};
use crate::cli::{Context, history, output, times};
use crate::engine::{self, Wanted, by_outcome};
use crate::failure::Failure;
use crate::store::{Before, TriggersQuery};
use al_wire::TriggerRow;
use al_wire::query::View;

pub fn run(args: &ListArgs, context: &Context) -> Result<(), Failure> {
    context.load()?;
    let mut query = query(args, context);
    if let Some(id) = &args.before {
        query.before = Some(Before::Receipt(whole_id(id, context)?));
    }
    let filter = history::filter(View::Triggers, &args.words)?;
    let wanted = Wanted {
        agent: None,
        filter: &filter,
        before: None,
        limit: args.lines as usize,
        looks: usize::MAX,
        now_ms: context.now_ms,
    };
    let rows = match history::reader(context)? {
        // Without a filter the history is asked for what is shown, from either end.
        Some(reader) if filter.is_empty() => engine::rows(&reader.triggers(&query)?),
        Some(reader) => engine::triggers_page(&reader, wanted, query.clone())?.rows,
        None => Vec::new(),
    };
    let text = match (args.json, rows.is_empty()) {
        (true, _) => format!("{}\n", json!({"triggers": rows})),
        (false, true) if filtered(&query) || !filter.is_empty() => {
            "nothing like that fired\n".to_owned()
        }
        (false, true) if args.before.is_some() => "nothing fired before that\n".to_owned(),
        (false, true) => "nothing has fired yet; `al stat` says what will\n".to_owned(),
        (false, false) => table(&rows, args.ids, context),
    };
    output::print(&text)
}

fn query(args: &ListArgs, context: &Context) -> TriggersQuery {
    let mut query = TriggersQuery {
        oldest: args.oldest,
        limit: args.lines,
        dead: args.dead,
        kind: args.kind,
        source: args.source.clone(),
        agent: args.agent.clone(),
        since: args.since.map(|span| context.now_ms - span),
        text: args.search.clone().filter(|text| !text.is_empty()),
        ..TriggersQuery::default()
    };
    if let Some(word) = &args.outcome {
        by_outcome(&mut query, word);
    }
    query
}

/// Whether more is asked of receipts than their place.
fn filtered(query: &TriggersQuery) -> bool {
    let (before, oldest, limit) = (query.before.clone(), query.oldest, query.limit);
    *query != TriggersQuery { before, oldest, limit, ..TriggersQuery::default() }
}

fn table(rows: &[TriggerRow], ids: bool, context: &Context) -> String {
    // An id is of use only when it is whole.
    let last = if ids { ("RECEIPT", Fit::Keep) } else { ("WHY", Fit::End) };
    let mut table = Table::new([
        ("AGE", Fit::Keep),
        ("SOURCE", Fit::Keep),
        ("WHAT", Fit::End),
        ("OUTCOME", Fit::Keep),
        last,
    ]);
    for row in rows {
        table.row([
            times::short_span(context.now_ms - row.last_ms.unwrap_or(row.at_ms)).into(),
            (&row.source).into(),
            (&row.summary).into(),
            Cell::new(outcome_tone(row.outcome), row.outcome.word()),
            if ids { &row.id } else { &row.why }.into(),
        ]);
    }
    table.render(context.look.width, context.look.out)
}
