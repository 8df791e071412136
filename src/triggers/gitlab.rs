//! Deliveries of GitLab.

use serde::Deserialize;

use super::context::{Context, cut, timestamp};
use super::headers::Headers;
use super::lenient::{List, Node, Number, Object, Text};
use super::provider::{DeliveryId, Event, Handshake, Message, Provider};
use super::refusal::Refusal;
use super::signature::{Algorithm, Digits, STANDARD_WEBHOOKS, Scheme, Signed};
use crate::ambient::Millis;
use crate::project::providers;

pub(super) static PROVIDER: Provider = Provider {
    table: &providers::GITLAB,
    // A secret token is sent as it is; a signing token (`whsec_...`) never leaves GitLab.
    signature: Some(Scheme {
        algorithm: Algorithm::Token,
        headers: &["x-gitlab-token"],
        prefix: "",
        digits: Digits::Plain,
        signed: Signed::Body,
    }),
    also: &[STANDARD_WEBHOOKS],
    delivery_id: DeliveryId::FirstOf(&["webhook-id", "idempotency-key", "x-gitlab-event-uuid"]),
    handshake: Handshake::Nothing,
    events: &["issue", "merge_request", "note", "push", "tag_push", "pipeline", "build", "release"],
    read,
};

/// States in which a pipeline or a job stays.
const ENDS: [&str; 4] = ["success", "failed", "canceled", "skipped"];

#[derive(Deserialize, Default)]
#[serde(default)]
struct Body<'a> {
    #[serde(borrow)]
    object_kind: Text<'a>,
    /// In place of `object_kind` where groups and members change.
    #[serde(borrow)]
    event_name: Text<'a>,
    #[serde(borrow)]
    project: Node<Project<'a>>,
    /// In place of a project.
    #[serde(borrow)]
    group: Node<Group<'a>>,
    #[serde(borrow)]
    group_path: Text<'a>,
    #[serde(borrow)]
    user: Node<User<'a>>,
    #[serde(borrow)]
    user_username: Text<'a>,
    #[serde(borrow)]
    object_attributes: Node<Attributes<'a>>,
    #[serde(borrow)]
    labels: List<Object<Title<'a>>>,
    #[serde(borrow)]
    assignees: List<Object<User<'a>>>,
    /// What a note is about, and the merge request of a pipeline.
    #[serde(borrow)]
    issue: Node<Attributes<'a>>,
    #[serde(borrow)]
    merge_request: Node<Attributes<'a>>,
    #[serde(borrow, rename = "ref")]
    reference: Text<'a>,
    #[serde(borrow)]
    before: Text<'a>,
    #[serde(borrow)]
    after: Text<'a>,
    #[serde(borrow)]
    commits: List<Object<Commit<'a>>>,
    build_id: Number,
    #[serde(borrow)]
    build_name: Text<'a>,
    #[serde(borrow)]
    build_status: Text<'a>,
    /// Of a release.
    #[serde(borrow)]
    action: Text<'a>,
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    description: Text<'a>,
    #[serde(borrow)]
    url: Text<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Project<'a> {
    #[serde(borrow)]
    path_with_namespace: Text<'a>,
    #[serde(borrow)]
    web_url: Text<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Group<'a> {
    #[serde(borrow)]
    full_path: Text<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct User<'a> {
    id: Number,
    #[serde(borrow)]
    username: Text<'a>,
}

/// An issue, a merge request, a note or a pipeline.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Attributes<'a> {
    id: Number,
    iid: Number,
    author_id: Number,
    #[serde(borrow)]
    action: Text<'a>,
    #[serde(borrow)]
    title: Text<'a>,
    #[serde(borrow)]
    description: Text<'a>,
    #[serde(borrow)]
    url: Text<'a>,
    #[serde(borrow)]
    source_branch: Text<'a>,
    #[serde(borrow)]
    note: Text<'a>,
    #[serde(borrow)]
    labels: List<Object<Title<'a>>>,
    #[serde(borrow, rename = "ref")]
    reference: Text<'a>,
    #[serde(borrow)]
    status: Text<'a>,
    #[serde(borrow)]
    name: Text<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Title<'a> {
    #[serde(borrow)]
    title: Text<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Commit<'a> {
    #[serde(borrow)]
    message: Text<'a>,
    #[serde(borrow)]
    url: Text<'a>,
}

fn read(headers: &Headers<'_>, body: &str, now_ms: Millis) -> Result<Message, Refusal> {
    let body: Node<Body<'_>> = serde_json::from_str(body).map_err(|_| Refusal::InvalidJson)?;
    let Some(body) = body.get() else { return Ok(PROVIDER.nothing("")) };
    let kind = body.object_kind.get().or(body.event_name.get());
    // What has neither still has a name: `Subgroup Hook`.
    let Some(event) = kind.or_else(|| headers.text("x-gitlab-event")) else {
        return Ok(PROVIDER.nothing(""));
    };
    let context = body.context(event, now_ms);
    Ok(PROVIDER.event(Event { context, ..Event::default() }))
}

impl Body<'_> {
    /// None when the body lacks what the event is about.
    fn context(&self, event: &str, now_ms: Millis) -> Option<Context> {
        let attributes = self.object_attributes.get();
        let action = attributes.and_then(|a| a.action.owned());
        let base = Context {
            source: PROVIDER.kind().to_owned(),
            event: event.to_owned(),
            action: action.or_else(|| self.action.owned()),
            repo: self.repo(),
            sender: self.sender().unwrap_or_else(|| "unknown".to_owned()),
            timestamp: timestamp(now_ms),
            ..Context::default()
        };
        Some(match event {
            "issue" => self.about_issue(base, attributes?),
            "merge_request" => {
                let branch = attributes?.source_branch.owned();
                Context { branch, ..self.about_issue(base, attributes?) }
            }
            "note" => self.about_note(base, attributes?),
            "push" => self.about_push(base),
            "tag_push" => Context {
                title: self.reference.get().map(|r| without("refs/tags/", r)),
                author: self.sender(),
                ..base
            },
            "pipeline" => self.about_pipeline(base, attributes?),
            "build" => self.about_job(base),
            "release" => Context {
                title: self.name.owned(),
                body: self.description.cut(),
                url: self.url.owned(),
                ..base
            },
            other => Context { title: base.action.clone().or(Some(other.to_owned())), ..base },
        })
    }

    fn repo(&self) -> String {
        let project = self.project.get().and_then(|p| p.path_with_namespace.owned());
        let group = || self.group.get().and_then(|g| g.full_path.owned());
        project.or_else(group).or_else(|| self.group_path.owned()).unwrap_or_default()
    }

    fn sender(&self) -> Option<String> {
        let user = self.user.get().and_then(|user| user.username.owned());
        user.or_else(|| self.user_username.owned())
    }

    /// A page of the project.
    fn page(&self, path: &str) -> Option<String> {
        let web = self.project.get()?.web_url.get()?;
        Some(format!("{web}/-/{path}"))
    }

    fn about_issue(&self, base: Context, issue: &Attributes<'_>) -> Context {
        Context {
            number: issue.iid.0,
            title: issue.title.owned(),
            body: issue.description.cut(),
            url: issue.url.owned(),
            author: self.author_of(issue),
            assignee: self.assignees.iter().next().and_then(|user| user.username.owned()),
            labels: Some(titles(&self.labels)),
            ..base
        }
    }

    /// GitLab names the author by a number, so the name is known only when the sender is the author.
    fn author_of(&self, issue: &Attributes<'_>) -> Option<String> {
        let user = self.user.get()?;
        let same = user.id.0.is_some() && user.id.0 == issue.author_id.0;
        same.then(|| user.username.owned()).flatten()
    }

    fn about_note(&self, base: Context, note: &Attributes<'_>) -> Context {
        let merge_request = self.merge_request.get();
        let about = self.issue.get().or(merge_request);
        Context {
            number: about.and_then(|about| about.iid.0),
            title: about.and_then(|about| about.title.owned()),
            url: note.url.owned(),
            author: about.and_then(|about| self.author_of(about)),
            labels: about.map(|about| titles(&about.labels)),
            branch: merge_request.and_then(|request| request.source_branch.owned()),
            comment: note.note.cut(),
            ..base
        }
    }

    fn about_push(&self, base: Context) -> Context {
        let last = self.commits.iter().last();
        let zero = |hash: &&str| !hash.bytes().all(|b| b == b'0');
        let compared = match (self.before.get().filter(zero), self.after.get().filter(zero)) {
            (Some(before), Some(after)) => self.page(&format!("compare/{before}...{after}")),
            // A new branch, or one that is gone.
            _ => None,
        };
        Context {
            branch: self.reference.get().map(|r| without("refs/heads/", r)),
            url: compared.or_else(|| last.and_then(|commit| commit.url.owned())),
            title: last.and_then(|commit| commit.message.get()).and_then(cut),
            author: self.sender(),
            ..base
        }
    }

    fn about_pipeline(&self, base: Context, pipeline: &Attributes<'_>) -> Context {
        let page = || self.page(&format!("pipelines/{}", pipeline.id.0?));
        Context {
            action: pipeline.status.owned(),
            title: pipeline.name.owned(),
            url: pipeline.url.owned().or_else(page),
            branch: pipeline.reference.owned(),
            author: self.sender(),
            conclusion: end(&pipeline.status),
            number: self.merge_request.get().and_then(|request| request.iid.0),
            ..base
        }
    }

    fn about_job(&self, base: Context) -> Context {
        Context {
            action: self.build_status.owned(),
            title: self.build_name.owned(),
            url: self.build_id.0.and_then(|id| self.page(&format!("jobs/{id}"))),
            branch: self.reference.owned(),
            author: self.sender(),
            conclusion: end(&self.build_status),
            ..base
        }
    }
}

fn titles(labels: &List<Object<Title<'_>>>) -> Vec<String> {
    labels.iter().filter_map(|label| label.title.owned()).collect()
}

fn end(status: &Text<'_>) -> Option<String> {
    status.owned().filter(|status| ENDS.contains(&status.as_str()))
}

fn without(prefix: &str, reference: &str) -> String {
    reference.strip_prefix(prefix).unwrap_or(reference).to_owned()
}
