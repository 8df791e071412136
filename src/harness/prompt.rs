pub fn system(_: &super::Job, skill: &str) -> String {
    skill.to_owned()
}
pub fn user(_: &super::Job) -> String {
    "task".into()
}
