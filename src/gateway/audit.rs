//! `GET /api/audit`: who did what, newest first.

use std::sync::Arc;

use axum::extract::State;
use axum::http::Uri;

use super::App;
use super::reply::{Answered, Problem, ok};
use crate::engine::{self, AuditFilter};

const LIMIT: u32 = 50;
const LIMIT_MAX: u32 = 500;

/// A page; `next` is the `before` of the one that follows, none when this is the last.
pub async fn audit(State(app): State<Arc<App>>, uri: Uri) -> Answered {
    let query = wanted(uri.query().unwrap_or_default()).ok_or_else(|| {
        let text = format!(
            "the query takes since (milliseconds since 1970), by, agent, before (a number) and \
             limit (1 to {LIMIT_MAX})"
        );
        Problem::bad_request(text)
    })?;
    let page = app.engine().read(move |reader| engine::audit(reader, &query)).await?;
    Ok(ok(&page))
}

fn wanted(query: &str) -> Option<AuditFilter> {
    let mut wanted = AuditFilter { limit: LIMIT, ..AuditFilter::default() };
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match &*name {
            "since" => wanted.since = Some(value.parse().ok()?),
            "by" => wanted.by = Some(value.into_owned()),
            "agent" => wanted.agent = Some(value.into_owned()),
            "before" => wanted.before = Some(value.parse().ok()?),
            "limit" => {
                let limit = value.parse().ok()?;
                wanted.limit = (1..=LIMIT_MAX).contains(&limit).then_some(limit)?;
            }
            _ => return None,
        }
    }
    Some(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_filter_is_refused() {
        let limits = |query: &str| wanted(query).map(|wanted| wanted.limit);
        assert_eq!(limits(""), Some(50));
        assert_eq!(limits("limit=500&since=1&before=2&by=ana&agent=dev"), Some(500));
        for wrong in ["limit=0", "limit=501", "since=yesterday", "before=x", "who=ana"] {
            assert_eq!(limits(wrong), None, "{wrong}");
        }
    }
}
