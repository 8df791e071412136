//! Models asked over loopback, against a server that says what a test tells it.

mod faults;
mod server;
mod wires;

use std::collections::BTreeMap;
use std::future::Future;

use super::{Auth, Fault, Model, ModelSpec, Piece, Reply, Request};

/// A model with nothing but its names.
pub fn spec(provider: &str, model: &str) -> ModelSpec {
    ModelSpec {
        name: "it".to_owned(),
        provider: provider.to_owned(),
        model: model.to_owned(),
        base_url: None,
        auth: Auth::None,
        thinking: None,
        context_window: None,
        max_tokens: None,
        headers: BTreeMap::new(),
        slots: None,
        price: None,
        file: None,
    }
}

/// Asks, and keeps what is heard; thoughts stand in brackets.
pub fn ask(model: &dyn Model, request: &Request, heard: &mut Vec<String>) -> Result<Reply, Fault> {
    let mut hear = |piece: Piece<'_>| {
        heard.push(match piece {
            Piece::Text(text) => text.to_owned(),
            Piece::Thinking(text) => format!("[{text}]"),
        });
    };
    block_on(model.ask(request, &mut hear))
}

/// Asks, and does not listen.
pub fn asked_by(model: &dyn Model, request: &Request) -> Result<Reply, Fault> {
    ask(model, request, &mut Vec::new())
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(future)
}
