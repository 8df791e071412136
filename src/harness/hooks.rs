pub async fn pre(_: &[String]) -> Result<(), String> {
    Ok(())
}
pub async fn post(_: &[String]) {}
