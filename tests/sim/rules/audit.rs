//! Rules about the record of who did what.

use action_llama::engine::Input;
use action_llama::scheduler::{Decision, Event};

use super::{Judged, OfInput, must};
use crate::world::World;

pub const INPUTS: &[OfInput] = &[("every order is recorded once, with who gave it", recorded)];

fn recorded(_: &World<'_>, input: &Input, decisions: &[Decision]) -> Judged {
    let deeds = decisions.iter().filter_map(|decision| match decision {
        Decision::Audited { deed, at } => Some((&deed.by, *at)),
        _ => None,
    });
    let deeds: Vec<_> = deeds.collect();
    let expected = match &input.event {
        Event::Command { by, .. } => vec![(by, input.stamp.at)],
        _ => Vec::new(),
    };
    must(deeds == expected, || format!("{deeds:?} are recorded, not {expected:?}"))
}
