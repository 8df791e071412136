//! Every parser, behind a signature that is right.

#![no_main]

use std::sync::OnceLock;

use action_llama::project::Project;
use action_llama::triggers::{self, Delivery, Match, Received, Sources};
use al_fuzz::Input;
use libfuzzer_sys::fuzz_target;

/// 2026-11-27.
const NOW_MS: i64 = 1_795_737_600_000;

fuzz_target!(|data: &[u8]| {
    static WORLD: OnceLock<(Project, Sources)> = OnceLock::new();
    let (project, sources) = WORLD.get_or_init(|| {
        let dir = al_fuzz::folder();
        let project = al_fuzz::project(dir.path());
        let sources = al_fuzz::sources(&project);
        (project, sources)
    });
    let Some(input) = Input::read(data) else { return };
    let _ = triggers::challenge(sources, &input.source, &input.query);

    let unsigned = input.unsigned(project, NOW_MS);
    let receive = |fixture: &triggers::Fixture| {
        triggers::receive(sources, &input.source, &input.headers(fixture), &fixture.body, NOW_MS)
    };
    let open = matches!(input.source.as_str(), "plain" | "test");
    if !open && project.config.webhooks.contains_key(&input.source) {
        let taken =
            triggers::receive(sources, &input.source, &unsigned.view(), &unsigned.body, NOW_MS);
        assert!(taken.is_err(), "a stranger was believed");
    }

    let signed = input.signed(project, NOW_MS);
    let received = receive(&signed);
    assert_eq!(received, receive(&signed), "the same is judged the same");
    match received {
        Ok(Received::Delivery(delivery)) => {
            check(&delivery);
            let told = triggers::explain(sources, Some(&input.source), &signed, NOW_MS);
            let told = told.unwrap_or_else(|why| panic!("taken, and not explained: {why:?}"));
            let matched = told.bindings.iter().filter(|binding| binding.matched);
            let matched = matched
                .map(|binding| Match { agent: binding.agent.clone(), binding: binding.binding });
            assert_eq!(matched.collect::<Vec<_>>(), delivery.matches, "as it is explained");
        }
        Ok(Received::Handshake(answer)) => assert!(is_json(&answer)),
        Err(refusal) => assert!((400..500).contains(&refusal.status())),
    }
});

fn check(delivery: &Delivery) {
    let one_line = |text: &str| text.chars().count() <= 201 && !text.contains(char::is_control);
    assert!(one_line(&delivery.summary), "{:?}", delivery.summary);
    assert!(delivery.delivery_id.as_deref().is_none_or(one_line), "{:?}", delivery.delivery_id);
    assert!(is_json(&delivery.stored_headers));
    assert!(!delivery.stored_headers.contains("a secret that no body knows"));
    assert!(delivery.reply.is_none_or(|reply| is_json(reply.taken) && is_json(reply.left)));
    if let Some(context) = &delivery.context {
        let cut = |text: &Option<String>| text.as_ref().is_none_or(|t| t.chars().count() <= 4100);
        assert!(cut(&context.body) && cut(&context.comment));
        serde_json::to_string(context).unwrap();
    }
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<serde_json::Value>(text).is_ok()
}
