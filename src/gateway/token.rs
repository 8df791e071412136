//! What an attempt proves itself with: a signed name. Nothing is kept, so tokens survive a restart;
//! the scheduler takes them only while that attempt lives.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// `<run>.<attempt>.<hex HMAC-SHA256 of what stands before it>`.
pub fn token(key: &[u8; 32], run: &str, attempt: u32) -> String {
    let name = format!("{run}.{attempt}");
    let signature = hex::encode(mac(key, &name).finalize().into_bytes());
    format!("{name}.{signature}")
}

/// The run and attempt that a token was made for.
pub fn verify<'t>(key: &[u8; 32], token: &'t str) -> Option<(&'t str, u32)> {
    let (name, signature) = token.rsplit_once('.')?;
    let signature = hex::decode(signature).ok()?;
    mac(key, name).verify_slice(&signature).ok()?;
    let (run, attempt) = name.rsplit_once('.')?;
    Some((run, attempt.parse().ok()?))
}

fn mac(key: &[u8; 32], name: &str) -> Hmac<Sha256> {
    // HMAC fills keys up to a block with zeros.
    let mut block = [0; 64];
    block[..key.len()].copy_from_slice(key);
    let mut mac = Hmac::<Sha256>::new(&block.into());
    // The purpose is part of what is signed, should the key ever sign something else.
    mac.update(b"al run token\0");
    mac.update(name.as_bytes());
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 32] = [7; 32];

    #[test]
    fn a_token_names_its_attempt() {
        assert_eq!(verify(&KEY, &token(&KEY, "a.b-0a1b2c3d", 12)), Some(("a.b-0a1b2c3d", 12)));
    }

    #[track_caller]
    fn check_refused(token: &str) {
        assert_eq!(verify(&KEY, token), None, "{token}");
    }

    #[test]
    fn whatever_was_not_signed_is_refused() {
        let good = token(&KEY, "a-1", 1);
        check_refused("");
        check_refused("a-1.1");
        check_refused("a-1.1.");
        check_refused("a-1.1.00");
        check_refused(&good[..good.len() - 2]);
        check_refused(&good.replace("a-1.1", "a-1.2"));
        check_refused(&good.replace("a-1", "b-1"));
        check_refused(&format!("{good}00"));
        check_refused(&token(&[8; 32], "a-1", 1));
    }
}
