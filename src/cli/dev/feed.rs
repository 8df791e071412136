//! What happens to the fleet: deliveries, an operator who pauses and answers.

use std::time::Duration;

use fastrand::Rng;
use serde_json::json;
use tokio::time::sleep;

use super::fleet::{FakeAgent, Fleet, Trade};
use crate::engine::{Confirmation, Handle};
use crate::scheduler::{Command, Event, Firing, Hold, RunState, Scope, Trigger, TriggerKind, Who};

/// Time between two things, on average, at a rate of 1.
const USUAL: Duration = Duration::from_secs(4);
/// How many things happen at once at the beginning, so that there is something to see.
const AT_FIRST: usize = 9;
/// One question in so many is answered whenever something happens; the others wait for a person.
const ANSWERED: u64 = 12;

/// Feeds the fleet until its scheduler ends.
pub async fn feed(engine: Handle, fleet: Fleet, rate: f64) {
    if rate <= 0.0 {
        return;
    }
    let mut rng = Rng::with_seed(fleet.seed ^ 0xfeed);
    let by = Who::shell("ada");
    for agent in fleet.of(Trade::Writer) {
        let pause = Command::Pause {
            scope: Scope::Agent(agent.name.clone()),
            why: Some("the style guide is about to change".to_owned()),
            hold: Hold::Pause,
            until: None,
            kill: false,
        };
        // A scheduler that ends is noticed below.
        let _ = engine.command(pause, &by, Confirmation::NotNeeded).await;
    }
    let mut number = 380;
    for happened in 0_usize.. {
        number += rng.u64(1..=3);
        // At first each agent has something to do.
        let agent = match happened {
            nth if nth < AT_FIRST => fleet.agents.get(nth % fleet.agents.len()),
            _ => rng.choice(&fleet.agents),
        };
        let Some(agent) = agent else { return };
        let firing = Event::Fired(delivery(agent, number, &mut rng));
        if engine.submit(firing).await.is_err() {
            return;
        }
        if rng.u64(..ANSWERED) == 0 {
            answer(&engine, &by).await;
        }
        if happened >= AT_FIRST {
            // From nothing to twice as long, so that it looks like a day and not like a clock.
            sleep(USUAL.mul_f64(2.0 * rng.f64() / rate)).await;
        }
    }
}

/// What starts an agent, as its sender would put it.
fn delivery(agent: &FakeAgent, number: u64, rng: &mut Rng) -> Firing {
    let (source, summary) = match agent.trade {
        Trade::Developer => ("github", format!("issues labeled acme/api#{number}")),
        Trade::Reviewer => ("github", format!("pull_request opened acme/api#{number}")),
        Trade::Triager => ("github", format!("issues opened acme/api#{number}")),
        Trade::Release => ("github", format!("push acme/api v1.{}", number % 40)),
        Trade::Writer => ("github", format!("push acme/manual {number:x}")),
        Trade::Oncall => ("sentry", format!("event_alert api-{}", rng.u64(..9))),
        Trade::Planner => ("slack", "app_mention #planning".to_owned()),
    };
    let payload = json!({"type": "webhook", "source": source, "context": {"number": number}});
    Firing {
        trigger: Trigger { kind: TriggerKind::Webhook, source: source.to_owned(), summary },
        dedupe: None,
        targets: vec![agent.name.clone()],
        payload: payload.to_string().into(),
        envelope: None,
        replay: None,
    }
}

/// Answers the question that has waited longest.
async fn answer(engine: &Handle, by: &Who) {
    let Ok(watch) = engine.watch().await else { return };
    let waits = watch.view.runs.values().filter(|run| run.state == RunState::Waiting);
    let oldest = waits.min_by_key(|run| run.seq).map(|run| run.id.clone());
    if let Some(run) = oldest {
        let answer = Command::Answer { run, text: "yes".to_owned() };
        // It may have been answered meanwhile.
        let _ = engine.command(answer, by, Confirmation::NotNeeded).await;
    }
}
