//! Why an image could not be built, and what a person does about it.

use std::fmt;

use super::output::Step;
use super::recipe::PROBE;

/// Why one image could not be built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildError {
    /// The image, which may be one that the agent's stands on: `al-project-base`.
    pub image: String,
    pub why: Why,
    /// The step that failed, when it came to that.
    pub step: Option<Step>,
    /// The last lines that the step wrote.
    pub output: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// An image that it stands on is not there, and no registry may be asked.
    Missing { image: String },
    /// Which image it takes depends on a build argument, so it may not be there.
    Uncertain { image: String },
    /// An image that it stands on is not there, and no registry gave it.
    Unfetched { image: String, message: String },
    /// A step failed.
    Failed { message: String },
    /// The engine said nothing for so many seconds.
    Silent { after_s: u64 },
    /// A file changed meanwhile, or can no longer be read.
    Files { message: String },
    /// The engine gave no useful answer.
    Engine { message: String },
}

impl BuildError {
    pub(super) fn new(image: &str, why: Why) -> Self {
        Self { image: image.to_owned(), why, step: None, output: Vec::new() }
    }

    /// What a person does about it.
    pub fn hint(&self) -> Option<String> {
        let text = match &self.why {
            Why::Missing { image } => {
                return Some(format!(
                    "fetch it where there is a network (docker pull {image}; docker save and docker \
                     load move it), build without --offline, or set `local.image` to an image that \
                     is there"
                ));
            }
            Why::Uncertain { .. } => {
                return Some("name the image without a build argument, or build online".to_owned());
            }
            Why::Silent { .. } => {
                return Some("a step that takes longer has to print something now and then".into());
            }
            Why::Unfetched { image, message } if !is_network(message) => {
                return Some(format!(
                    "is its name right? If it needs a login: docker pull {image}, and then again"
                ));
            }
            Why::Files { .. } => return Some("try again".to_owned()),
            Why::Unfetched { message, .. } | Why::Failed { message } | Why::Engine { message } => {
                message
            }
        };
        if self.step.as_ref().is_some_and(|step| step.text == PROBE) {
            return Some(
                "this al cannot run in that image: build al statically (cargo build --release \
                 --target x86_64-unknown-linux-musl), or set `local.image` to one with the C library \
                 that al was built with"
                    .to_owned(),
            );
        }
        let said = |what: &str| text.contains(what) || self.output.iter().any(|l| l.contains(what));
        let hint = if said("BuildKit") {
            "the engine's classic builder is used, which has no `RUN --mount`, `COPY --link` or \
             `--chmod`: write the step without"
        } else if said("unknown instruction") || said("parse error") {
            "mend the Dockerfile; the engine's classic builder is used, which has no heredocs (`<<EOF`)"
        } else if said("no space left on device") {
            "the disk of the engine is full: docker system df shows what takes it, docker system \
             prune frees what nobody uses"
        } else if said("COPY failed") || said("ADD failed") {
            "it copies from the folder of its Dockerfile, without what .dockerignore leaves out"
        } else if is_network(text) || self.output.iter().any(|line| is_network(line)) {
            "is there a network? Behind a proxy, the engine needs its own setting: \
             https://docs.docker.com/engine/daemon/proxy"
        } else {
            return None;
        };
        Some(hint.to_owned())
    }
}

/// Whether a message is about a network that is not there.
fn is_network(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    [
        "dial tcp",
        "i/o timeout",
        "no such host",
        "tls handshake timeout",
        "could not resolve",
        "temporary failure",
        "name resolution",
        "bad address",
        "network is unreachable",
        "connection refused",
    ]
    .iter()
    .any(|sign| text.contains(sign))
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the image {} cannot be built: ", self.image)?;
        if let Some(step) = &self.step {
            write!(f, "step {} of {}, {}: ", step.number, step.of, step.text)?;
        }
        match &self.why {
            Why::Missing { image } => write!(f, "{image} is not on this machine"),
            Why::Uncertain { image } => write!(f, "whether {image} is here cannot be told"),
            Why::Unfetched { image, message } => {
                write!(f, "{image} is not on this machine and cannot be fetched: {message}")
            }
            Why::Failed { message } | Why::Files { message } | Why::Engine { message } => {
                f.write_str(message)
            }
            Why::Silent { after_s } => write!(f, "no output for {after_s} s"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_often_goes_wrong_has_a_hint() {
        let failed = |text: &str| Why::Failed { message: text.to_owned() };
        let check = |why: Why, step: &str, output: &str, hint: Option<&str>| {
            let error = BuildError {
                image: "al-dev".to_owned(),
                why,
                step: Some(Step { number: 2, of: 3, text: step.to_owned() }),
                output: vec![output.to_owned()],
            };
            let found = error.hint();
            match hint {
                Some(part) => {
                    assert!(found.as_ref().is_some_and(|h| h.contains(part)), "{found:?}")
                }
                None => assert_eq!(found, None),
            }
        };
        check(failed("returned a non-zero code: 3"), "RUN x", "", None);
        check(failed("exec format error"), PROBE, "", Some("musl"));
        check(failed("the --mount option requires BuildKit"), "RUN --mount x", "", Some("--mount"));
        check(
            failed("returned 100"),
            "RUN apt-get",
            "Temporary failure resolving",
            Some("network"),
        );
        check(failed("x: no space left on device"), "RUN x", "", Some("disk"));
        check(failed("COPY failed: no source files"), "COPY a b", "", Some(".dockerignore"));
        check(Why::Missing { image: "a:1".into() }, "", "", Some("docker pull a:1"));
        let unfetched = |text: &str| Why::Unfetched { image: "a".into(), message: text.into() };
        check(unfetched("pull access denied"), "", "", Some("login"));
        check(unfetched("dial tcp: lookup x: no such host"), "", "", Some("network"));
        check(Why::Silent { after_s: 300 }, "", "", Some("print"));
    }

    #[test]
    fn a_failure_says_what_and_where() {
        let step = Step { number: 2, of: 3, text: "RUN false".to_owned() };
        let why = Why::Failed { message: "it returned 1".to_owned() };
        let error = BuildError { step: Some(step), ..BuildError::new("al-dev", why) };
        assert_eq!(
            error.to_string(),
            "the image al-dev cannot be built: step 2 of 3, RUN false: it returned 1"
        );
    }
}
