//! `find`: files and folders by a glob.

use std::ops::ControlFlow;

use super::arguments::Given;
use super::walk::{glob, start, walk};
use super::{ANSWER_MAX, Outcome, Workshop};

pub(super) fn find(shop: &Workshop, given: &Given) -> Outcome {
    let dir = start(shop, given.maybe("path"))?;
    if !dir.is_dir() {
        return Err(format!("{} is no folder", shop.shown(&dir)));
    }
    let pattern = given.text("pattern");
    if pattern.starts_with('!') {
        return Err(format!("{pattern:?}: `find` takes no glob with ! in front"));
    }
    let wanted = glob(&dir, pattern)?;
    let limit = given.count("limit");
    let mut found = Vec::new();
    let mut bytes = 0;
    let mut more = false;
    walk(shop, &dir, |entry| {
        let is_dir = entry.file_type().is_some_and(|kind| kind.is_dir());
        if !wanted.matched(entry.path(), is_dir).is_whitelist() {
            return ControlFlow::Continue(());
        }
        if found.len() == limit || bytes > ANSWER_MAX {
            more = true;
            return ControlFlow::Break(());
        }
        let path = shop.shown(entry.path()) + if is_dir { "/" } else { "" };
        bytes += path.len();
        found.push(path);
        ControlFlow::Continue(())
    });
    if found.is_empty() {
        return Ok(format!("nothing in {} is called {pattern:?}", shop.shown(&dir)));
    }
    if more {
        found.push(format!("[these are the first {}: there are more]", found.len()));
    }
    Ok(found.join("\n"))
}
