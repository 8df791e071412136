//! The description of the API says what the gateway does: no route more and none less.

use std::collections::BTreeSet;
use std::sync::Arc;

use action_llama::gateway;
use serde_json::Value;

use crate::client;
use crate::world::World;

async fn document(world: &World) -> Value {
    let answer = world.send("GET", "/openapi.json", &[], b"").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    answer.body
}

/// Method and path of every operation.
fn described(document: &Value) -> BTreeSet<(String, String)> {
    let paths = document["paths"].as_object().unwrap().iter();
    let operations = paths.flat_map(|(path, item)| {
        let methods = item.as_object().unwrap().keys();
        methods.map(move |method| (method.to_uppercase(), path.clone()))
    });
    operations.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_is_described_and_nothing_else() {
    let world = World::new().await;
    let described = described(&document(&world).await);
    let routes: BTreeSet<(String, String)> = gateway::routes(&Arc::clone(&world.app))
        .into_iter()
        .map(|(method, path)| (method.to_owned(), path))
        .collect();
    let missing: Vec<_> = routes.difference(&described).collect();
    assert!(
        missing.is_empty(),
        "routes that src/gateway/api/openapi does not describe: {missing:?}"
    );
    let extra: Vec<_> = described.difference(&routes).collect();
    assert!(extra.is_empty(), "described routes that do not exist: {extra:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_needs_the_key_says_so_and_the_rest_does_not() {
    let world = World::new().await;
    let document = document(&world).await;
    for (method, path) in described(&document) {
        let operation = &document["paths"][&path][method.to_lowercase()];
        let keyed = operation["security"][0].get("apiKey").is_some();
        let answer = client::send(world.addr, &method, &path, &[], b"{}").await;
        // From this machine many wrong keys are told to wait, and right ones still let in.
        let refused = matches!(answer.status, 401 | 429) && !path.starts_with("/webhooks/");
        assert_eq!(refused, keyed, "{method} {path}: {answer:?}");
    }
}
