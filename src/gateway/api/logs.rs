//! `/api/logs/*`: pages of what was logged, with places to go on from in both directions.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::IntoResponse;
use regex::{Regex, RegexBuilder};

use super::asked::{Asked, Names};
use crate::gateway::App;
use crate::gateway::past::aside;
use crate::gateway::reply::{Answered, Problem};
use crate::gateway::routes::Name;
use crate::log::{self, Cursor, From, Level, Page, Query, Record, SCHEDULER};

/// Records of a page.
const MOST: u32 = 2000;
pub const USUAL: u32 = 200;
/// Bytes of lines that one page goes through; the next one goes on from there.
const PAGE_BYTES: u64 = 32 * 1024 * 1024;
/// The same when each line is held against a pattern, which takes longer.
const GREP_BYTES: u64 = 8 * 1024 * 1024;
/// The same for a glance.
const GLANCE_BYTES: u64 = 256 * 1024;
/// The longest pattern, in bytes, and what it may become in memory.
const PATTERN_MAX: usize = 1000;
const COMPILED_MAX: usize = 1024 * 1024;
/// Instead of a place: the oldest record.
pub const BEGIN: &str = "start";

pub async fn scheduler(State(app): State<Arc<App>>, asked: Asked) -> Answered {
    page(&app, of_scheduler(), &asked).await
}

pub async fn agent(State(app): State<Arc<App>>, Name(name): Name, asked: Asked) -> Answered {
    page(&app, of_agent(&name)?, &asked).await
}

pub async fn instance(
    State(app): State<Arc<App>>,
    Names(name, id): Names,
    asked: Asked,
) -> Answered {
    page(&app, of_instance(&name, &id)?, &asked).await
}

pub fn of_scheduler() -> Query {
    Query::all(SCHEDULER)
}

pub fn of_agent(name: &str) -> Result<Query, Problem> {
    if is_safe(name) { Ok(Query::all(name)) } else { Err(bad("Invalid agent name")) }
}

pub fn of_instance(name: &str, id: &str) -> Result<Query, Problem> {
    let query = of_agent(name)?;
    if !is_safe(id) {
        return Err(bad("Invalid instance ID"));
    }
    Ok(Query { instance: Some(id.to_owned()), ..query })
}

fn bad(text: &str) -> Problem {
    Problem::bad_request(text)
}

/// What may be part of the name of a file: lower-case letters, digits, and hyphens between them.
fn is_safe(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = name.as_bytes();
    let ends = bytes.first().zip(bytes.last());
    name.len() <= 200
        && ends.is_some_and(|(first, last)| plain(*first) && plain(*last))
        && bytes.iter().all(|b| plain(*b) || *b == b'-')
}

async fn page(app: &App, query: Query, asked: &Asked) -> Answered {
    let query = filtered(query, asked)?;
    let (from, limit) = (from(asked)?, limit(asked)?);
    let bytes = if query.grep.is_some() { GREP_BYTES } else { PAGE_BYTES };
    let page = read(app, query, from, limit, bytes).await?;
    let body = body(&page, from);
    let kind = HeaderValue::from_static("application/json");
    Ok(([(header::CONTENT_TYPE, kind)], body).into_response())
}

/// The newest records of the scheduler itself, for a glance.
pub async fn newest(app: &App, count: usize) -> Result<Vec<Record>, Problem> {
    let query = Query { level_min: Level::Info, ..of_scheduler() };
    Ok(read(app, query, From::End, count, GLANCE_BYTES).await?.records)
}

/// A page, read where nobody waits for the disk. Few go on at a time: each takes a thread and reads
/// as fast as it can.
pub async fn read(
    app: &App,
    query: Query,
    from: From,
    limit: usize,
    bytes: u64,
) -> Result<Page, Problem> {
    let _turn = app.log_readers.acquire().await.map_err(|_| Problem::internal())?;
    let logs = app.logs().to_owned();
    aside(move || log::page_within(&logs, &query, from, limit, bytes)).await
}

/// What is wanted besides the name: level, times and pattern.
pub fn filtered(query: Query, asked: &Asked) -> Result<Query, Problem> {
    Ok(Query {
        level_min: level(asked)?,
        grep: asked.text("grep").map(pattern).transpose()?,
        after_ms: asked.number("after")?,
        before_ms: asked.number("before")?,
        ..query
    })
}

fn level(asked: &Asked) -> Result<Level, Problem> {
    let Some(text) = asked.text("level") else { return Ok(Level::Info) };
    let number = text.parse().ok().filter(|number| (0..=60).contains(number));
    Level::from_word(text)
        .or_else(|| number.map(Level::from_number))
        .ok_or_else(|| bad("level must be trace, debug, info, warn, error or their number"))
}

/// A pattern, in linear time and bounded memory whatever it says.
fn pattern(text: &str) -> Result<Regex, Problem> {
    let mut builder = RegexBuilder::new(text);
    builder.size_limit(COMPILED_MAX).dfa_size_limit(COMPILED_MAX);
    let built = builder.build().ok().filter(|_| text.len() <= PATTERN_MAX);
    built.ok_or_else(|| bad("Invalid grep pattern"))
}

pub fn limit(asked: &Asked) -> Result<usize, Problem> {
    let name = if asked.text("limit").is_some() { "limit" } else { "lines" };
    Ok(asked.count(name, USUAL, MOST)? as usize)
}

fn from(asked: &Asked) -> Result<From, Problem> {
    match (asked.text("cursor"), asked.text("back_cursor")) {
        (None, None) => Ok(From::End),
        (Some(_), Some(_)) => Err(bad("cursor and back_cursor exclude each other")),
        (Some(BEGIN), None) => Ok(From::Start),
        (Some(place), None) => Ok(From::After(cursor(place)?)),
        (None, Some(place)) => {
            let place = place.parse().map_err(|_| bad("Invalid back_cursor"))?;
            Ok(From::Before(place))
        }
    }
}

pub fn cursor(text: &str) -> Result<Cursor, Problem> {
    text.parse().map_err(|_| bad("Invalid cursor"))
}

/// The answer; records are lines of JSON already.
fn body(page: &Page, from: From) -> String {
    let lines: Vec<String> = page.records.iter().map(Record::to_line).collect();
    let quoted = |place: Option<Cursor>| match place {
        Some(place) => format!("\"{place}\""),
        None => "null".to_owned(),
    };
    let older = match from {
        From::End | From::Before(_) => page.first.filter(|_| page.more),
        From::Start => None,
        From::After(_) => page.first,
    };
    format!(
        r#"{{"entries":[{}],"cursor":{},"backCursor":{},"hasMore":{}}}"#,
        lines.join(","),
        quoted(page.last),
        quoted(older),
        page.more
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_files_are_names() {
        for name in ["a", "dev", "dev-ops-2", "0", "dev--x"] {
            assert!(is_safe(name), "{name}");
        }
        let long = "x".repeat(201);
        for name in ["", "-dev", "dev-", "Dev", "a/b", "..", "a.b", "a b", "é", &long] {
            assert!(!is_safe(name), "{name}");
        }
    }

    #[track_caller]
    fn check(query: &str, expected: Result<(Level, From, usize), &str>) {
        let asked = Asked::of(query);
        let read = || {
            let query = filtered(of_scheduler(), &asked)?;
            Ok((query.level_min, from(&asked)?, limit(&asked)?))
        };
        let read = read().map_err(|problem: Problem| problem.text);
        assert_eq!(read, expected.map_err(str::to_owned), "{query}");
    }

    #[test]
    fn a_page_is_asked_for_in_the_words_of_existing_clients() {
        let place: Cursor = "MjAyNi0xMS0yMDo3".parse().unwrap();
        check("", Ok((Level::Info, From::End, 200)));
        check("lines=5", Ok((Level::Info, From::End, 5)));
        check("limit=9999&lines=5", Ok((Level::Info, From::End, 2000)));
        check("level=20&cursor=start", Ok((Level::Debug, From::Start, 200)));
        check("level=error&cursor=MjAyNi0xMS0yMDo3", Ok((Level::Error, From::After(place), 200)));
        check("back_cursor=MjAyNi0xMS0yMDo3", Ok((Level::Info, From::Before(place), 200)));
        check("cursor=x", Err("Invalid cursor"));
        check("back_cursor=start", Err("Invalid back_cursor"));
        check("grep=(", Err("Invalid grep pattern"));
        check("grep=(\\w{1000}){1000}", Err("Invalid grep pattern"));
        check("after=today", Err("after must be a whole number"));
        let levels = "level must be trace, debug, info, warn, error or their number";
        check("level=loud", Err(levels));
        check("level=61", Err(levels));
        let both = "cursor and back_cursor exclude each other";
        check("cursor=start&back_cursor=MjAyNi0xMS0yMDo3", Err(both));
    }
}
