//! Bodies as they are kept: packed where that wins.
//!
//! LZ4, because a body is packed before its sender is answered: a webhook's JSON becomes a third to
//! a half in microseconds.

use std::fmt;

/// How many bytes of a body are kept at most.
pub const BODY_MAX: usize = 256 * 1024;
/// Shorter bodies are kept as they are: what they would save is lost in the page around them.
const WORTH_BYTES: usize = 512;

/// The body packed, when that saves at least an eighth of it.
pub fn pack(body: &[u8]) -> Option<Vec<u8>> {
    if body.len() < WORTH_BYTES {
        return None;
    }
    let packed = lz4_flex::block::compress(body);
    (packed.len() <= body.len() - body.len() / 8).then_some(packed)
}

/// The bytes are not what they were said to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Damaged;

impl fmt::Display for Damaged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the stored body is damaged")
    }
}

impl std::error::Error for Damaged {}

/// The body that was packed, which is `bytes` long and never longer than [`BODY_MAX`]. No more
/// memory than that is taken, whatever the packed bytes say.
///
/// # Errors
/// When it has another length, or is longer.
pub fn unpack(packed: &[u8], bytes: usize) -> Result<Vec<u8>, Damaged> {
    if bytes > BODY_MAX {
        return Err(Damaged);
    }
    let body = lz4_flex::block::decompress(packed, bytes).map_err(|_| Damaged)?;
    if body.len() == bytes { Ok(body) } else { Err(Damaged) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(bytes: usize) -> Vec<u8> {
        let item = br#"{"id":1042,"login":"octocat","html_url":"https://example.org/octocat"},"#;
        item.iter().copied().cycle().take(bytes).collect()
    }

    #[test]
    fn a_body_is_packed_where_that_wins_and_comes_back_as_it_was() {
        let mut noise: Vec<u8> = Vec::new();
        let mut seed = 7_u32;
        noise.resize_with(4096, || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 24) as u8
        });
        assert_eq!(pack(&noise), None);
        assert_eq!(pack(&json(WORTH_BYTES - 1)), None);
        assert_eq!(pack(b""), None);
        for bytes in [WORTH_BYTES, 5000, BODY_MAX] {
            let packed = pack(&json(bytes)).unwrap();
            assert!(packed.len() < bytes / 2, "{} of {bytes}", packed.len());
            assert_eq!(unpack(&packed, bytes), Ok(json(bytes)));
        }
    }

    #[test]
    fn what_unpacks_to_more_than_it_may_is_not_unpacked() {
        let bomb = lz4_flex::block::compress(&vec![0; 64 * 1024 * 1024]);
        assert!(bomb.len() < 512 * 1024);
        assert_eq!(unpack(&bomb, 64 * 1024 * 1024), Err(Damaged));
        // Neither does a false length help.
        assert_eq!(unpack(&bomb, BODY_MAX), Err(Damaged));
        let packed = pack(&json(5000)).unwrap();
        for (bytes, cut) in [(4999, 0), (5001, 0), (5000, 3), (5000, packed.len())] {
            let rest = &packed[..packed.len() - cut];
            assert_eq!(unpack(rest, bytes), Err(Damaged), "{bytes}");
        }
    }
}
