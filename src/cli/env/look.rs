//! `al env ls` and `al env show`.

use std::fs;
use std::io::ErrorKind;

use serde_json::{Value, json};

use super::super::config::show::{self, bound_json};
use super::super::environments::failure;
use super::super::paint::Tone;
use super::super::table::{Cell, Fit, Table};
use super::super::{Context, output};
use super::chosen;
use crate::failure::Failure;
use crate::project::credentials;
use crate::project::{self, Bound, Problem};

/// One environment, as far as its file says.
struct Row {
    name: String,
    url: Option<String>,
    host: Option<String>,
    /// Whose key it is asked with.
    key: &'static str,
    /// The first thing that is wrong with it.
    wrong: Option<Problem>,
}

pub fn list(json: bool, context: &Context) -> Result<(), Failure> {
    let bound = context.request(project::bound);
    let folder = project::environments_dir(&context.al_home);
    // A folder that cannot be looked into has environments all the same, and is none that is empty.
    if let Err(error) = fs::read_dir(&folder)
        && error.kind() != ErrorKind::NotFound
    {
        let message = format!("{} cannot be looked into: {error}", folder.display());
        return Err(Failure::upstream("cannot_read", message)
            .hint("it has to be a folder that you may read: ls -ld shows whose it is"));
    }
    let names = project::environments(&context.al_home);
    let rows: Vec<Row> = names.iter().map(|name| row(name, context)).collect();
    let named = bound.as_ref().ok().and_then(Option::as_ref);
    if json {
        output::print(&format!("{}\n", as_json(&rows, named, context)))?;
    } else {
        if !rows.is_empty() {
            output::print(&table(&rows, named, context))?;
        }
        output::remark(&said(&names, named));
    }
    // Who looks learns all the same that the file which binds the project is broken.
    bound.map(drop).map_err(|problem| failure(&problem, context))
}

fn row(name: &str, context: &Context) -> Row {
    let read = project::read_environment(&context.al_home, name);
    let own = credentials::field(&context.al_home, "gateway_api_key", name, "key");
    let key = match own {
        Ok(Some(_)) => "its own",
        Ok(None) => match credentials::gateway_key(&context.al_home) {
            Ok(Some(_)) => "of this machine",
            Ok(None) => "none",
            Err(_) => "unusable",
        },
        Err(_) => "unusable",
    };
    let mut row = Row { name: name.to_owned(), url: None, host: None, key, wrong: None };
    match read {
        Ok(file) => {
            row.url = file.url;
            row.host = file.host;
            row.wrong = file.problems.into_iter().next();
        }
        Err(problem) => row.wrong = Some(problem),
    }
    row
}

fn table(rows: &[Row], bound: Option<&Bound>, context: &Context) -> String {
    let mut table = Table::new([
        ("", Fit::Keep),
        ("NAME", Fit::Middle),
        ("GATEWAY", Fit::Middle),
        ("KEY", Fit::Keep),
        ("SERVER", Fit::Middle),
        ("PROBLEM", Fit::End),
    ]);
    for row in rows {
        let is_bound = bound.is_some_and(|bound| bound.name == row.name);
        let wrong = row.wrong.as_ref().map(|problem| match problem.place() {
            Some(place) => format!("line {}: {}", place.line, problem.message),
            None => problem.message.clone(),
        });
        let tone = if row.key == "unusable" { Tone::Bad } else { Tone::Plain };
        table.row([
            Cell::new(Tone::Live, if is_bound { "*" } else { "" }),
            Cell::new(Tone::Strong, &row.name),
            row.url.as_deref().unwrap_or("-").into(),
            Cell::new(tone, row.key),
            row.host.as_deref().unwrap_or("-").into(),
            Cell::new(Tone::Bad, wrong.unwrap_or_default()),
        ]);
    }
    table.render(context.look.width, context.look.out)
}

fn said(names: &[String], bound: Option<&Bound>) -> String {
    match (names, bound) {
        ([], None) => "no environments; to make one: al env init <name>\n".to_owned(),
        (names, Some(Bound { name, by })) if !names.contains(name) => {
            format!("the project here is bound to `{name}` by {by}, and there is none\n")
        }
        (_, Some(Bound { name, by })) => {
            format!("* the project here is bound to `{name}` by {by}\n")
        }
        (_, None) => "the project here is bound to none of them\n".to_owned(),
    }
}

fn as_json(rows: &[Row], bound: Option<&Bound>, context: &Context) -> Value {
    let rows: Vec<Value> = rows
        .iter()
        .map(|row| {
            json!({
                "name": row.name,
                "file": project::environment_file(&context.al_home, &row.name),
                "url": row.url,
                "server": row.host,
                "key": row.key,
                "bound": bound.is_some_and(|bound| bound.name == row.name),
                "problem": row.wrong.as_ref().map(Problem::sentence),
            })
        })
        .collect();
    json!({"environments": rows, "bound": bound.map(bound_json)})
}

/// What a project is set to there. Outside of a project that is what the environment says.
pub fn show(name: Option<&str>, json: bool, context: &Context) -> Result<(), Failure> {
    let name = chosen(name, context)?;
    project::read_environment(&context.al_home, &name)
        .map_err(|problem| failure(&problem, context))?;
    let there = Context { environment: Some(name), ..context.clone() };
    let merged = there.request(|request| project::merged(request, false));
    show::settings(&merged, true, json, &there)
}
