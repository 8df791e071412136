//! What the provider says, request by request.

use std::collections::VecDeque;
use std::fmt;

use crate::{Reply, Seen};

/// Replies in the order of the valid requests.
pub struct Script(Source);

enum Source {
    Listed { replies: VecDeque<Reply>, then: Box<Option<Reply>> },
    Asked(Box<dyn FnMut(&Seen) -> Reply + Send>),
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Source::Listed { replies, .. } => write!(f, "Script of {} replies", replies.len()),
            Source::Asked(_) => f.write_str("Script by a function"),
        }
    }
}

impl Script {
    /// One reply for each request. A request too many is refused with 400, which says so.
    pub fn new(replies: impl IntoIterator<Item = Reply>) -> Self {
        Self(Source::Listed { replies: replies.into_iter().collect(), then: Box::default() })
    }

    /// What the function says, asked once for each request.
    pub fn answering(answer: impl FnMut(&Seen) -> Reply + Send + 'static) -> Self {
        Self(Source::Asked(Box::new(answer)))
    }

    /// Says this to all further requests.
    #[must_use]
    pub fn then(mut self, reply: Reply) -> Self {
        if let Source::Listed { then, .. } = &mut self.0 {
            **then = Some(reply);
        }
        self
    }

    pub(crate) fn next(&mut self, seen: &Seen) -> Option<Reply> {
        match &mut self.0 {
            Source::Listed { replies, then } => {
                replies.pop_front().or_else(|| then.as_ref().clone())
            }
            Source::Asked(answer) => Some(answer(seen)),
        }
    }
}
