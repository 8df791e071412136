//! What is kept of a secret that only ever has to be recognised.

use std::hash::{Hash, Hasher};

use sha2::Sha256;
use subtle::ConstantTimeEq;

/// The SHA-256 of a secret. Comparing two takes the same time whatever they are, and shows not even
/// how long the secrets were.
#[derive(Clone, Copy)]
pub struct Digest([u8; 32]);

impl Digest {
    pub fn of(secret: &str) -> Self {
        Self(<Sha256 as sha2::Digest>::digest(secret).into())
    }
}

impl PartialEq for Digest {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Digest {}

impl Hash for Digest {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl std::fmt::Debug for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Digest(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How alike two secrets are must not show, so nothing of that may reach the comparison: what is
    /// compared has one length and no bytes in common.
    #[test]
    fn nothing_of_how_alike_two_secrets_are_reaches_the_comparison() {
        let key = Digest::of("a-key-of-the-operator");
        assert_eq!(key, Digest::of("a-key-of-the-operator"));
        for near in
            ["", "a", "a-key-of-the-operato", "a-key-of-the-operator ", "a-key-of-the-operatoR"]
        {
            let near = Digest::of(near);
            assert_ne!(key, near);
            let alike = key.0.iter().zip(near.0).filter(|(one, other)| **one == *other).count();
            assert!(alike < 8, "{alike} bytes of {} are alike", key.0.len());
        }
    }

    #[test]
    fn a_digest_is_not_shown() {
        assert_eq!(format!("{:?}", Digest::of("x")), "Digest(***)");
    }
}
