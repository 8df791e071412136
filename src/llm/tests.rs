//! What the tests of this room share.

use super::ModelSpec;

/// A model of this provider and name, with everything else as it is when nobody says.
pub fn spec(provider: &str, model: &str) -> ModelSpec {
    let spec = serde_json::json!({"name": "m", "provider": provider, "model": model});
    serde_json::from_value(spec).unwrap()
}
