pub async fn run(_: &super::Job, _: &str, _: &str, _: &mut super::Meter) -> super::End {
    super::End::done()
}
