//! What our containers and images are marked with. A container has the labels of its image too.

/// Whose it is: the project's `.al`.
pub const PROJECT: &str = "al.project";
pub const AGENT: &str = "al.agent";
/// Of a container: the run, and the number of its attempt.
pub const RUN: &str = "al.run";
pub const ATTEMPT: &str = "al.attempt";
/// Of a container that only looks whether it reaches its scheduler: that one's process id.
pub const PROBE: &str = "al.probe";
/// Of a container of a person's shell: the mark of the process that it belongs to.
pub const SHELL: &str = "al.shell";
/// Of an image: the `al` that made it.
pub const VERSION: &str = "al.version";
/// Of an image: what it was made from, its parents included.
pub const INPUTS: &str = "al.inputs";
/// Of an image: what its own layer was made from.
pub const LAYER: &str = "al.layer";
