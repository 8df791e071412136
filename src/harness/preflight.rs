pub async fn run(_: &[super::Step]) -> Result<(), String> {
    Ok(())
}
