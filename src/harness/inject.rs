pub async fn expand(t: &str) -> String {
    t.to_owned()
}
