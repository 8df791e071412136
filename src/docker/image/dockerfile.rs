//! Reading a Dockerfile as far as needed: its instructions, what it stands on, and what it copies
//! from its context.
//!
//! The stage that becomes the image always stands on the parent that it is given, whatever its `FROM`
//! says, so that `al` and the tools of the parents are in it. For `FROM al-agent` that is what is
//! written; a standalone file (`FROM python:3.12`) keeps its steps and loses its base, as it always
//! has: another base for all agents is `local.image`. Earlier stages keep theirs, so that
//! `COPY --from` brings over what another base has.

use std::ops::Range;

/// Images that a project may name to say "the parent".
const PARENTS: [&str; 2] = ["al-agent", "al-project-base"];

/// One instruction, with its continuation lines joined.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Instruction {
    /// In upper case.
    name: String,
    rest: String,
    /// The lines that it takes, counted from 0.
    lines: Range<usize>,
}

/// A Dockerfile that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dockerfile {
    text: String,
    instructions: Vec<Instruction>,
}

/// The text of a Dockerfile, open where the name of its parent stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open(Vec<String>);

impl Open {
    /// One that stands on its parent from the first line.
    pub fn on_parent(steps: &str) -> Self {
        Self(vec!["FROM ".to_owned(), format!("\n{steps}")])
    }

    /// One that stands on no image of ours.
    pub fn closed(text: &str) -> Self {
        Self(vec![text.to_owned()])
    }

    /// The text, standing on the parent.
    pub fn on(&self, parent: &str) -> String {
        self.0.join(parent)
    }
}

/// What instructions take from the context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sources {
    /// These files and folders.
    Some(Vec<String>),
    /// It cannot be told from the text, or it is everything.
    All,
}

impl Dockerfile {
    /// Reads the text. It never fails: what Docker does not understand, Docker says.
    pub fn read(text: &str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n");
        let instructions = instructions(&text);
        Self { text, instructions }
    }

    /// Whether it adds anything to what it stands on.
    pub fn adds_nothing(&self) -> bool {
        self.instructions.iter().all(|i| i.name == "FROM" || i.name == "ARG")
    }

    /// The image that the last stage names and does not get, when that is none of ours.
    pub fn replaced(&self) -> Option<String> {
        let mut stages = self.stages();
        let base = base_of(&stages)?;
        Some(stages.swap_remove(base).image).filter(|image| !is_parent(image))
    }

    /// The text with its parent left open. None when no `FROM` is there.
    pub fn open(&self) -> Option<Open> {
        let stages = self.stages();
        let base = base_of(&stages)?;
        let mut pieces = Vec::new();
        let mut piece = String::new();
        let mut stage = 0;
        let mut skip = 0..0;
        for (number, line) in self.text.lines().enumerate() {
            if skip.contains(&number) {
                continue;
            }
            if let Some(found) = stages.get(stage).filter(|s| s.lines.start == number) {
                let ours = stage == base || is_parent(&found.image);
                stage += 1;
                if ours {
                    skip = found.lines.clone();
                    piece.push_str("FROM ");
                    pieces.push(std::mem::take(&mut piece));
                    if let Some(name) = &found.name {
                        piece.push_str(&format!(" AS {name}"));
                    }
                    piece.push('\n');
                    continue;
                }
            }
            piece.push_str(line);
            piece.push('\n');
        }
        pieces.push(piece);
        Some(Open(pieces))
    }

    /// What its instructions take from the context.
    pub fn sources(&self) -> Sources {
        let mut all = Vec::new();
        for instruction in &self.instructions {
            // `ONBUILD` acts in another build; `--mount` is for an engine that refuses it here.
            if instruction.name != "COPY" && instruction.name != "ADD" {
                continue;
            }
            match sources(&instruction.rest) {
                Sources::Some(mut some) => all.append(&mut some),
                Sources::All => return Sources::All,
            }
        }
        all.sort();
        all.dedup();
        Sources::Some(all)
    }

    /// Images that building it fetches when they are not there, besides its parent. One whose name
    /// depends on a build argument without a default keeps its `$`.
    pub fn others(&self) -> Vec<String> {
        let stages = self.stages();
        let base = base_of(&stages);
        let named = |image: &str, before: usize| {
            let is = |s: &Stage| s.name.as_ref().is_some_and(|n| n.eq_ignore_ascii_case(image));
            image == "scratch" || stages.iter().take(before).any(is)
        };
        let mut found = Vec::new();
        for (at, stage) in stages.iter().enumerate() {
            if Some(at) != base && !is_parent(&stage.image) && !named(&stage.image, at) {
                found.push(self.expanded(&stage.image));
            }
        }
        for copy in self.instructions.iter().filter(|i| i.name == "COPY") {
            let flags = copy.rest.split_whitespace().take_while(|word| word.starts_with("--"));
            let from = flags.filter_map(|flag| flag.strip_prefix("--from=")).next();
            let Some(from) = from.filter(|from| !named(from, stages.len())) else { continue };
            if from.parse::<usize>().is_err() {
                found.push(self.expanded(from));
            }
        }
        found.sort();
        found.dedup();
        found
    }

    /// A name with the defaults of the build arguments that stand before the first `FROM`.
    fn expanded(&self, name: &str) -> String {
        let args = self.instructions.iter().take_while(|i| i.name == "ARG");
        let mut args: Vec<(&str, &str)> = args.filter_map(|arg| arg.rest.split_once('=')).collect();
        // The longest first: `$VERSION` is not `$V` and more.
        args.sort_by_key(|(key, _)| std::cmp::Reverse(key.len()));
        args.iter().fold(name.to_owned(), |name, (key, value)| {
            let value = value.trim_matches(['"', '\'']);
            name.replace(&format!("${{{key}}}"), value).replace(&format!("${key}"), value)
        })
    }

    fn stages(&self) -> Vec<Stage> {
        let froms = self.instructions.iter().filter(|i| i.name == "FROM");
        froms.map(Stage::of).collect()
    }
}

/// One `FROM`.
struct Stage {
    image: String,
    name: Option<String>,
    lines: Range<usize>,
}

impl Stage {
    fn of(from: &Instruction) -> Self {
        let mut words = from.rest.split_whitespace().filter(|word| !word.starts_with("--"));
        let image = words.next().unwrap_or_default().to_owned();
        let named = words.next().is_some_and(|word| word.eq_ignore_ascii_case("as"));
        let name = words.next().filter(|_| named).map(str::to_owned);
        Self { image, name, lines: from.lines.clone() }
    }
}

/// The stage whose `FROM` the last one stands on in the end: a stage may continue another.
fn base_of(stages: &[Stage]) -> Option<usize> {
    let mut at = stages.len().checked_sub(1)?;
    while let Some(earlier) = stages[..at].iter().rposition(|s| {
        s.name.as_ref().is_some_and(|name| name.eq_ignore_ascii_case(&stages[at].image))
    }) {
        at = earlier;
    }
    Some(at)
}

/// `al-agent`, `al-agent:latest`, `al-project-base@sha256:...`
fn is_parent(image: &str) -> bool {
    let name = image.split(['@', ':']).next().unwrap_or_default();
    PARENTS.contains(&name)
}

fn instructions(text: &str) -> Vec<Instruction> {
    let lines: Vec<&str> = text.lines().collect();
    let escape = escape(&lines);
    let mut found = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let start = at;
        if is_blank(lines[at]) {
            at += 1;
            continue;
        }
        let mut whole = String::new();
        while let Some(line) = lines.get(at) {
            at += 1;
            // Comments and blank lines between continued lines do not end the instruction.
            if at > start + 1 && is_blank(line) {
                continue;
            }
            match line.trim_end().strip_suffix(escape) {
                Some(head) => whole.push_str(head),
                None => {
                    whole.push_str(line);
                    break;
                }
            }
        }
        let whole = whole.trim();
        let (name, rest) = whole.split_once(char::is_whitespace).unwrap_or((whole, ""));
        let name = name.to_ascii_uppercase();
        if ["RUN", "COPY", "ADD"].contains(&name.as_str()) {
            for end in heredocs(rest) {
                at = end.past(&lines, at);
            }
        }
        found.push(Instruction { name, rest: rest.trim().to_owned(), lines: start..at });
    }
    found
}

fn is_blank(line: &str) -> bool {
    let line = line.trim_start();
    line.is_empty() || line.starts_with('#')
}

/// The character that continues a line: a directive in the comments at the very top may change it.
fn escape(lines: &[&str]) -> char {
    for line in lines {
        let Some(comment) = line.trim_start().strip_prefix('#') else { break };
        let Some((key, value)) = comment.split_once('=') else { break };
        if key.trim().eq_ignore_ascii_case("escape") && value.trim() == "`" {
            return '`';
        }
    }
    '\\'
}

/// The end of a heredoc.
struct Heredoc<'a> {
    word: &'a str,
    /// `<<-`: the word may be indented by tabs.
    tabs: bool,
}

impl Heredoc<'_> {
    /// The line after its end; the end of the file when it never ends.
    fn past(&self, lines: &[&str], from: usize) -> usize {
        let ends =
            |line: &&str| self.word == if self.tabs { line.trim_start_matches('\t') } else { line };
        let rest = lines.get(from..).unwrap_or_default();
        rest.iter().position(ends).map_or(lines.len(), |at| from + at + 1)
    }
}

/// Those that an instruction begins, in order.
fn heredocs(rest: &str) -> Vec<Heredoc<'_>> {
    let words = rest.split_whitespace();
    words
        .filter_map(|word| {
            // `<<<` is a here-string of bash, `$((1<<2))` a number.
            let digits = word.trim_start_matches(|c: char| c.is_ascii_digit());
            let word = digits.strip_prefix("<<")?;
            let (word, tabs) = word.strip_prefix('-').map_or((word, false), |word| (word, true));
            let word = word.trim_matches(['"', '\'']);
            let fits = |c: char| c.is_alphanumeric() || c == '_';
            (!word.is_empty() && word.chars().all(fits)).then_some(Heredoc { word, tabs })
        })
        .collect()
}

/// The sources of one `COPY` or `ADD`, without its target.
fn sources(rest: &str) -> Sources {
    let mut rest = rest.trim();
    while rest.starts_with("--") {
        let (flag, more) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        if flag.starts_with("--from=") {
            return Sources::Some(Vec::new());
        }
        rest = more.trim_start();
    }
    let listed = rest.starts_with('[').then(|| serde_json::from_str::<Vec<String>>(rest).ok());
    let mut words = match listed.flatten() {
        Some(words) => words,
        None => rest.split_whitespace().map(str::to_owned).collect(),
    };
    words.pop();
    let mut found = Vec::new();
    for word in words {
        if word.starts_with("<<") || word.contains("://") {
            continue;
        }
        if word.contains(['$', '*', '?', '[', '\\', '"', '\'']) {
            return Sources::All;
        }
        let parts: Vec<&str> = word.split('/').filter(|p| !p.is_empty() && *p != ".").collect();
        if parts.is_empty() || parts.contains(&"..") {
            return Sources::All;
        }
        found.push(parts.join("/"));
    }
    Sources::Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What becomes of a Dockerfile that stands on `P`.
    fn check(text: &str, expected: &str) {
        let open = Dockerfile::read(text).open().map(|open| open.on("P"));
        assert_eq!(open.as_deref(), Some(expected), "{text}");
    }

    #[test]
    fn the_image_always_stands_on_its_parent() {
        check("FROM al-agent:latest\nRUN x", "FROM P\nRUN x\n");
        check("from al-agent\nrun x\n", "FROM P\nrun x\n");
        check("FROM python:3.12\nRUN x\n", "FROM P\nRUN x\n");
        check("FROM al-agent AS final\n", "FROM P AS final\n");
        check("FROM --platform=linux/amd64 al-agent as x\n", "FROM P AS x\n");
        check("FROM al-agent\r\nRUN a \\\r\n b\r\n", "FROM P\nRUN a \\\n b\n");
        check("\u{feff}FROM al-agent\n", "FROM P\n");
        check("ARG V=1\nFROM node:${V}\nRUN x\n", "ARG V=1\nFROM P\nRUN x\n");
        check(
            "# FROM x\n\n  FROM \\\n# why\n  al-agent \\\n\n AS y\nRUN x\n",
            "# FROM x\n\nFROM P AS y\nRUN x\n",
        );
        check(
            "# escape=`\nFROM `\n a\nRUN c:\\\nUSER u\n",
            "# escape=`\nFROM P\nRUN c:\\\nUSER u\n",
        );
    }

    #[test]
    fn earlier_stages_keep_what_they_stand_on() {
        check(
            "FROM golang:1 AS build\nRUN go\nFROM alpine\nCOPY --from=build /x /x\n",
            "FROM golang:1 AS build\nRUN go\nFROM P\nCOPY --from=build /x /x\n",
        );
        check(
            "FROM al-project-base AS tools\nRUN x\nFROM debian AS y\nFROM al-agent\n",
            "FROM P AS tools\nRUN x\nFROM debian AS y\nFROM P\n",
        );
        check(
            "FROM debian AS Base\nRUN x\nFROM golang AS go\nFROM base\nRUN y\n",
            "FROM P AS Base\nRUN x\nFROM golang AS go\nFROM base\nRUN y\n",
        );
    }

    #[test]
    fn a_from_inside_a_heredoc_or_a_continued_line_is_none() {
        check(
            "FROM al-agent\nRUN <<EOF\nFROM x\nEOF\nRUN a \\\nFROM b\n",
            "FROM P\nRUN <<EOF\nFROM x\nEOF\nRUN a \\\nFROM b\n",
        );
        check(
            "FROM al-agent\nCOPY <<-\"A\" <<B /x/\nFROM 1\n\tA\nFROM 2\nB\nUSER u\n",
            "FROM P\nCOPY <<-\"A\" <<B /x/\nFROM 1\n\tA\nFROM 2\nB\nUSER u\n",
        );
        check("FROM al-agent\nRUN cat <<<x\nUSER u\n", "FROM P\nRUN cat <<<x\nUSER u\n");
    }

    #[test]
    fn what_is_only_a_base_adds_nothing() {
        let check = |text: &str, nothing: bool| {
            assert_eq!(Dockerfile::read(text).adds_nothing(), nothing, "{text}");
        };
        check("# The project's image.\n\nFROM al-agent\n\n# RUN apk add x\n", true);
        check("", true);
        check("ARG V\nFROM node:$V\n", true);
        check("FROM al-agent\nENV A=1\n", false);
    }

    #[test]
    fn a_base_that_is_replaced_is_known() {
        let check = |text: &str, replaced: Option<&str>| {
            assert_eq!(Dockerfile::read(text).replaced().as_deref(), replaced, "{text}");
        };
        check("FROM python:3.12\nRUN x", Some("python:3.12"));
        check("FROM golang AS b\nFROM al-agent:latest\nRUN x", None);
        check("FROM al-agent-of-mine\n", Some("al-agent-of-mine"));
        assert_eq!(Dockerfile::read("RUN x").open(), None);
    }

    #[test]
    fn images_that_may_have_to_be_fetched_are_known() {
        let check = |text: &str, expected: &[&str]| {
            assert_eq!(Dockerfile::read(text).others(), expected, "{text}");
        };
        check("FROM al-agent\nRUN x", &[]);
        check("FROM python:3\n", &[]);
        check(
            "ARG V=1\nFROM golang:$V AS b\nFROM b AS c\nFROM scratch AS d\nFROM al-agent\n\
             COPY --from=b /x /x\nCOPY --chown=1:1 --from=busybox:1 /y /y\nCOPY --from=0 /z /z",
            &["busybox:1", "golang:1"],
        );
        check("ARG V\nFROM go:${V} AS b\nFROM al-agent", &["go:${V}"]);
    }

    #[test]
    fn only_what_is_copied_belongs_to_the_context() {
        let check = |steps: &str, expected: Option<&[&str]>| {
            let expected = expected.map_or(Sources::All, |some| {
                Sources::Some(some.iter().map(|s| (*s).to_owned()).collect())
            });
            assert_eq!(
                Dockerfile::read(&format!("FROM a\n{steps}")).sources(),
                expected,
                "{steps}"
            );
        };
        check("RUN x", Some(&[]));
        check("COPY b a /x/", Some(&["a", "b"]));
        check("copy --chown=1000:1000 ./a/b/ /x\nADD /c d", Some(&["a/b", "c"]));
        check("COPY [\"with space\", \"/x\"]", Some(&["with space"]));
        check("COPY --from=build /x /y\nADD https://example.org/a /a", Some(&[]));
        check("COPY <<EOF /x\nhi\nEOF\nCOPY a /", Some(&["a"]));
        check("COPY a \\\n  b \\\n  /x", Some(&["a", "b"]));
        for all in ["COPY . /x", "COPY ./ x", "COPY *.txt /x", "ADD $A /x", "COPY a/../.. /x"] {
            check(all, None);
        }
    }
}
