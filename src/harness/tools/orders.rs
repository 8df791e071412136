//! Tools that are commands of agents: the same code, without a process of its own.

use std::ffi::OsString;

use crate::agent;

use super::arguments::Given;
use super::{Done, Workshop};

/// A command of agents as it would be called.
pub(super) struct Order {
    command: &'static str,
    args: Vec<OsString>,
    stdin: String,
}

impl Order {
    fn new(command: &'static str) -> Self {
        Self { command, args: Vec::new(), stdin: String::new() }
    }

    /// In one piece, so that a value that looks like an option is none.
    fn option(mut self, name: &str, value: Option<&str>) -> Self {
        self.args.extend(value.map(|value| format!("--{name}={value}").into()));
        self
    }

    /// After these no word is an option.
    fn words<'a>(mut self, words: impl IntoIterator<Item = &'a str>) -> Self {
        self.args.push("--".into());
        self.args.extend(words.into_iter().map(OsString::from));
        self
    }
}

/// Does it, as long as it takes.
pub(super) fn carry_out(shop: &Workshop, order: Order) -> Done {
    let Order { command, args, stdin } = order;
    let Some(reply) = agent::invoke(&shop.place, command, &args, &stdin) else {
        return Err(format!("there is no command {command}")).into();
    };
    let text = if reply.stdout.is_empty() { reply.stderr } else { reply.stdout };
    Done { text, is_error: reply.code != 0, exit: Some(reply.code.into()) }
}

pub(super) fn status(given: &Given) -> Order {
    // It takes its arguments as they are.
    Order { args: vec![given.text("text").into()], ..Order::new("al-status") }
}

pub(super) fn result(given: &Given) -> Order {
    Order { stdin: given.text("value").to_owned(), ..Order::new("al-return") }
}

pub(super) fn rerun(_: &Given) -> Order {
    Order::new("al-rerun")
}

pub(super) fn acquire(given: &Given) -> Order {
    Order::new("rlock")
        .option("ttl", given.span("ttl").as_deref())
        .option("wait", given.span("wait").as_deref())
        .words([given.text("resource_key")])
}

pub(super) fn release(given: &Given) -> Order {
    Order::new("runlock").words([given.text("resource_key")])
}

pub(super) fn call(given: &Given) -> Order {
    let order = Order { stdin: given.text("context").to_owned(), ..Order::new("al-call") };
    order.option("key", given.maybe("key")).words([given.text("agent")])
}

pub(super) fn check(given: &Given) -> Order {
    Order::new("al-check").words([given.text("call_id")])
}

pub(super) fn wait_for(given: &Given) -> Order {
    let kind = if given.text("type") == "webhook" { "webhook" } else { "agent" };
    let order = Order::new("al-wait-for")
        .option("source", given.maybe("source"))
        .option("event", given.maybe("event"))
        .option("from", given.maybe("source_agent"))
        .option("timeout", given.span("timeout").as_deref());
    let wanted = given.pairs("match").map(|(path, text)| format!("{path}={text}"));
    wanted.fold(order, |order, pair| order.option("match", Some(&pair))).words([kind])
}

pub(super) fn ask(given: &Given) -> Order {
    let words = std::iter::once(given.text("question")).chain(given.texts("choices"));
    Order::new("al-ask").option("timeout", given.span("timeout").as_deref()).words(words)
}
