//! What this room asks others: it reads files, and they know the languages of some texts in them.

/// Whether a cron expression holds in a time zone (none is the host's), and why not.
pub type CheckSchedule<'a> = &'a dyn Fn(&str, Option<&str>) -> Result<(), String>;

/// Whether a template over the payload of a trigger holds, and why not.
pub type CheckTemplate<'a> = &'a dyn Fn(&str) -> Result<(), String>;

/// Answers about texts that are read elsewhere.
#[derive(Clone, Copy)]
pub struct Checks<'a> {
    pub schedule: CheckSchedule<'a>,
    pub template: CheckTemplate<'a>,
}
