//! Deliveries of GitHub.

use serde::Deserialize;

use super::context::{Context, timestamp};
use super::headers::Headers;
use super::lenient::{List, Node, Number, Object, Text};
use super::provider::{DeliveryId, Event, Handshake, Message, Provider};
use super::refusal::Refusal;
use super::signature::{Algorithm, Digits, Scheme, Signed};
use crate::ambient::Millis;
use crate::project::providers;

pub(super) static PROVIDER: Provider = Provider {
    table: &providers::GITHUB,
    signature: Some(Scheme {
        algorithm: Algorithm::HmacSha256,
        headers: &["x-hub-signature-256"],
        prefix: "sha256=",
        digits: Digits::Hex,
        signed: Signed::Body,
    }),
    also: &[],
    delivery_id: DeliveryId::Header("x-github-delivery"),
    handshake: Handshake::Nothing,
    events: &[
        "issues",
        "pull_request",
        "issue_comment",
        "pull_request_review",
        "push",
        "workflow_run",
    ],
    read,
};

/// What is read of a body; everything else in it is skipped.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Body<'a> {
    #[serde(borrow)]
    action: Text<'a>,
    #[serde(borrow)]
    repository: Node<Repository<'a>>,
    #[serde(borrow)]
    sender: Node<User<'a>>,
    #[serde(borrow)]
    issue: Node<Issue<'a>>,
    /// Has the fields of an issue, and a head.
    #[serde(borrow)]
    pull_request: Node<Issue<'a>>,
    #[serde(borrow)]
    comment: Node<Remark<'a>>,
    #[serde(borrow)]
    review: Node<Remark<'a>>,
    #[serde(borrow, rename = "ref")]
    reference: Text<'a>,
    #[serde(borrow)]
    compare: Text<'a>,
    /// The same in Gitea.
    #[serde(borrow)]
    compare_url: Text<'a>,
    #[serde(borrow)]
    head_commit: Node<Commit<'a>>,
    #[serde(borrow)]
    pusher: Node<Pusher<'a>>,
    #[serde(borrow)]
    workflow_run: Node<WorkflowRun<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Repository<'a> {
    #[serde(borrow)]
    full_name: Text<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct User<'a> {
    #[serde(borrow)]
    login: Text<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Name<'a> {
    #[serde(borrow)]
    name: Text<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Issue<'a> {
    number: Number,
    #[serde(borrow)]
    title: Text<'a>,
    #[serde(borrow)]
    body: Text<'a>,
    #[serde(borrow)]
    html_url: Text<'a>,
    #[serde(borrow)]
    user: Node<User<'a>>,
    #[serde(borrow)]
    assignee: Node<User<'a>>,
    #[serde(borrow)]
    labels: List<Object<Name<'a>>>,
    #[serde(borrow)]
    head: Node<Head<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Head<'a> {
    #[serde(borrow, rename = "ref")]
    branch: Text<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Pusher<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    /// A whole user in Gitea.
    #[serde(borrow)]
    login: Text<'a>,
}

/// A comment or a review.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Remark<'a> {
    #[serde(borrow)]
    html_url: Text<'a>,
    #[serde(borrow)]
    body: Text<'a>,
    /// The text of a review in Gitea.
    #[serde(borrow)]
    content: Text<'a>,
}

/// A forge that writes as GitHub does.
pub(super) struct Dialect {
    pub provider: &'static Provider,
    /// Where the event stands: in the first of these headers that is there.
    pub event_headers: &'static [&'static str],
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Commit<'a> {
    #[serde(borrow)]
    message: Text<'a>,
    #[serde(borrow)]
    author: Node<CommitAuthor<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct CommitAuthor<'a> {
    #[serde(borrow)]
    username: Text<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct WorkflowRun<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    html_url: Text<'a>,
    #[serde(borrow)]
    head_branch: Text<'a>,
    #[serde(borrow)]
    actor: Node<User<'a>>,
    #[serde(borrow)]
    conclusion: Text<'a>,
    pull_requests: List<Object<PullRequestNumber>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct PullRequestNumber {
    number: Number,
}

fn login(user: &Node<User<'_>>) -> Option<String> {
    user.get().and_then(|u| u.login.owned())
}

impl Issue<'_> {
    fn label_names(&self) -> Vec<String> {
        self.labels.iter().filter_map(|label| label.name.owned()).collect()
    }

    fn branch(&self) -> Option<String> {
        self.head.get().and_then(|head| head.branch.owned())
    }
}

fn read(headers: &Headers<'_>, body: &str, now_ms: Millis) -> Result<Message, Refusal> {
    let dialect = Dialect { provider: &PROVIDER, event_headers: &["x-github-event"] };
    read_as(&dialect, headers, body, now_ms)
}

/// Reads a body that is written as GitHub does.
///
/// # Errors
/// When it is no JSON.
pub(super) fn read_as(
    dialect: &Dialect,
    headers: &Headers<'_>,
    body: &str,
    now_ms: Millis,
) -> Result<Message, Refusal> {
    let body: Node<Body<'_>> = serde_json::from_str(body).map_err(|_| Refusal::InvalidJson)?;
    let empty = Body::default();
    let body = body.get().unwrap_or(&empty);
    let kind = dialect.provider.kind();
    let event = dialect.event_headers.iter().find_map(|name| headers.text(name));
    let context = event.and_then(|event| context(kind, event, body, now_ms));
    let summary = summary(event.unwrap_or(kind), body, context.as_ref());
    Ok(Message::event(Event { summary, context, ..Event::default() }))
}

fn summary(event: &str, body: &Body<'_>, context: Option<&Context>) -> String {
    let mut summary = event.to_owned();
    let repo = body.repository.get().and_then(|r| r.full_name.get());
    for word in [body.action.get(), repo].into_iter().flatten() {
        summary.push(' ');
        summary.push_str(word);
    }
    if let Some(number) = context.and_then(|c| c.number) {
        summary.push_str(&format!("#{number}"));
    }
    summary
}

/// None for a ping, for an event of no repository, and when the body lacks what the event is about.
fn context(kind: &str, event: &str, body: &Body<'_>, now_ms: Millis) -> Option<Context> {
    if event == "ping" {
        return None;
    }
    let base = Context {
        source: kind.to_owned(),
        event: event.to_owned(),
        action: body.action.owned(),
        repo: body.repository.get()?.full_name.owned()?,
        sender: login(&body.sender).unwrap_or_else(|| "unknown".to_owned()),
        timestamp: timestamp(now_ms),
        ..Context::default()
    };
    Some(match event {
        "issues" => about_issue(base, body.issue.get()?),
        "pull_request" => {
            let pull_request = body.pull_request.get()?;
            Context { branch: pull_request.branch(), ..about_issue(base, pull_request) }
        }
        "issue_comment" => {
            let (issue, comment) = (body.issue.get()?, body.comment.get()?);
            let base = Context { labels: Some(issue.label_names()), ..base };
            about_remark(base, issue, comment)
        }
        "pull_request_review"
        | "pull_request_approved"
        | "pull_request_rejected"
        | "pull_request_comment" => {
            let (pull_request, review) = (body.pull_request.get()?, body.review.get()?);
            let base = Context { branch: pull_request.branch(), ..base };
            about_remark(base, pull_request, review)
        }
        "push" => about_push(base, body),
        "workflow_run" => about_workflow_run(base, body.workflow_run.get()?),
        _ => Context { title: body.action.owned().or_else(|| Some(event.to_owned())), ..base },
    })
}

fn about_issue(base: Context, issue: &Issue<'_>) -> Context {
    Context {
        number: issue.number.0,
        title: issue.title.owned(),
        body: issue.body.cut(),
        url: issue.html_url.owned(),
        author: login(&issue.user),
        assignee: login(&issue.assignee),
        labels: Some(issue.label_names()),
        ..base
    }
}

/// A comment or a review; the author is that of the issue.
fn about_remark(base: Context, issue: &Issue<'_>, remark: &Remark<'_>) -> Context {
    Context {
        number: issue.number.0,
        title: issue.title.owned(),
        url: remark.html_url.owned(),
        author: login(&issue.user),
        comment: remark.body.cut().or_else(|| remark.content.cut()),
        ..base
    }
}

fn about_push(base: Context, body: &Body<'_>) -> Context {
    let commit = body.head_commit.get();
    let username = commit.and_then(|c| c.author.get()).and_then(|a| a.username.owned());
    let (reference, pusher) = (body.reference.get(), body.pusher.get());
    Context {
        branch: reference.map(|r| r.strip_prefix("refs/heads/").unwrap_or(r).to_owned()),
        url: body.compare.owned().or_else(|| body.compare_url.owned()),
        title: commit.and_then(|c| c.message.cut()),
        author: username.or_else(|| pusher.and_then(|p| p.name.owned().or(p.login.owned()))),
        ..base
    }
}

fn about_workflow_run(base: Context, run: &WorkflowRun<'_>) -> Context {
    Context {
        title: run.name.owned(),
        url: run.html_url.owned(),
        branch: run.head_branch.owned(),
        author: login(&run.actor),
        conclusion: run.conclusion.owned(),
        number: run.pull_requests.iter().next().and_then(|p| p.number.0),
        ..base
    }
}
