//! What a table shows: words that a row has to contain and facts that have to hold.

use std::fmt;

/// A row's facts, as filters see them.
#[derive(Debug, Default)]
pub struct Facts<'a> {
    pub agent: &'a str,
    pub state: &'a str,
    /// Everything the row says.
    pub text: String,
}

/// A parsed filter; the empty one shows everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    source: String,
    terms: Vec<Term>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Term {
    field: Field,
    value: String,
    not: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Agent,
    State,
    Text,
}

impl Filter {
    /// Reads `state=failed agent!=dev word !word /text with blanks`. Everything is a filter: what is
    /// no fact is a word.
    pub fn parse(source: &str) -> Self {
        let source = source.trim();
        let (words, text) = match source.split_once('/') {
            Some((words, text)) if words.is_empty() || words.ends_with(' ') => (words, text),
            _ => (source, ""),
        };
        let mut terms: Vec<Term> = words.split_whitespace().map(Term::parse).collect();
        if !text.is_empty() {
            terms.push(Term::text(text));
        }
        Self { source: source.to_owned(), terms }
    }

    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    pub fn passes(&self, facts: &Facts<'_>) -> bool {
        self.terms.iter().all(|term| term.holds(facts) != term.not)
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

impl Term {
    fn parse(word: &str) -> Self {
        for (key, field) in [("agent", Field::Agent), ("state", Field::State)] {
            let rest = word.strip_prefix(key);
            if let Some(value) = rest.and_then(|rest| rest.strip_prefix("!=")) {
                return Self { field, value: value.to_lowercase(), not: true };
            }
            if let Some(value) = rest.and_then(|rest| rest.strip_prefix('=')) {
                return Self { field, value: value.to_lowercase(), not: false };
            }
        }
        Self::text(word)
    }

    fn text(word: &str) -> Self {
        match word.strip_prefix('!').filter(|rest| !rest.is_empty()) {
            Some(rest) => Self { field: Field::Text, value: rest.to_lowercase(), not: true },
            None => Self { field: Field::Text, value: word.to_lowercase(), not: false },
        }
    }

    fn holds(&self, facts: &Facts<'_>) -> bool {
        let same =
            |fact: &str| fact.to_lowercase().replace(' ', "-") == self.value.replace(' ', "-");
        match self.field {
            Field::Agent => same(facts.agent),
            Field::State => same(facts.state),
            Field::Text => facts.text.to_lowercase().contains(&self.value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_facts_all_have_to_hold() {
        let check = |filter: &str, passes: bool| {
            let facts = Facts {
                agent: "dev",
                state: "timed out",
                text: "dev-1a2b3c4d Github Issues opened".to_owned(),
            };
            assert_eq!(Filter::parse(filter).passes(&facts), passes, "{filter}");
        };
        check("", true);
        check("issues", true);
        check("ISSUES dev", true);
        check("!issues", false);
        check("!pull", true);
        check("state=timed-out agent=dev", true);
        check("state=failed", false);
        check("agent!=dev", false);
        check("agent=de", false);
        check("agent=dev /issues opened", true);
        check("/issues closed", false);
        check("acme/api", false);
    }
}
