use super::*;
pub enum Next {
    Use(usize),
    Wait { ms: u64, pass: u32 },
    Exhausted { why: String },
}
pub struct Chain(usize, usize, String);
impl Chain {
    pub fn new(n: usize) -> Self {
        Self(n, 0, "no models".into())
    }
    pub fn next(&mut self, _: i64) -> Next {
        if self.1 < self.0 { Next::Use(self.1) } else { Next::Exhausted { why: self.2.clone() } }
    }
    pub fn failed(&mut self, _: usize, f: &Fault, _: i64, _: f64) {
        self.1 += 1;
        self.2 = f.to_string();
    }
    pub fn succeeded(&mut self, _: usize) {}
}
pub fn connect(_: &ModelSpec) -> Result<Box<dyn Model>, Fault> {
    Err(Fault {
        kind: FaultKind::Setup,
        message: "shim".into(),
        status: None,
        retry_after_ms: None,
    })
}
pub fn record(
    m: Box<dyn Model>,
    _: &ModelSpec,
    _: &std::path::Path,
    _: &[String],
) -> Result<Box<dyn Model>, Fault> {
    Ok(m)
}
pub fn price_of(s: &ModelSpec) -> Option<Price> {
    s.price
}
pub fn context_window(s: &ModelSpec) -> u32 {
    s.context_window.unwrap_or(128_000)
}
pub fn pi_auth(_: &std::path::Path, _: &str) -> Result<Auth, String> {
    Ok(Auth::None)
}
