//! Whether a program needs a C library where it runs: read from its own headers.

/// Bytes from the start of a program that are enough for [`is_dynamic`].
pub const HEAD: usize = 4096;

const ELF_64: u8 = 2;
const LITTLE: u8 = 1;
/// The type of the program header that names a dynamic loader.
const PT_INTERP: u64 = 3;

/// Whether a 64-bit little-endian ELF program asks for a dynamic loader, that is, whether it is not
/// statically linked. `head` is its beginning; what is no such program counts as dynamic, as nothing
/// is known of what it needs.
pub fn is_dynamic(head: &[u8]) -> bool {
    asks_for_loader(head).unwrap_or(true)
}

fn asks_for_loader(head: &[u8]) -> Option<bool> {
    if head.get(..4)? != b"\x7fELF" || *head.get(4)? != ELF_64 || *head.get(5)? != LITTLE {
        return None;
    }
    let offset = usize::try_from(number(head, 32, 8)?).ok()?;
    let size = usize::try_from(number(head, 54, 2)?).ok()?;
    let count = usize::try_from(number(head, 56, 2)?).ok()?;
    let mut asks = false;
    for index in 0..count {
        let at = offset.checked_add(index.checked_mul(size)?)?;
        asks |= number(head, at, 4)? == PT_INTERP;
    }
    Some(asks)
}

/// A little-endian number of `len` bytes, at most 8.
fn number(bytes: &[u8], at: usize, len: usize) -> Option<u64> {
    let bytes = bytes.get(at..at.checked_add(len)?)?;
    Some(bytes.iter().rev().fold(0, |sum, byte| (sum << 8) | u64::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A program with headers of these types.
    fn elf(types: &[u32]) -> Vec<u8> {
        let mut bytes = vec![0; 64];
        bytes[..6].copy_from_slice(b"\x7fELF\x02\x01");
        bytes[32] = 64;
        bytes[54] = 56;
        bytes[56] = u8::try_from(types.len()).unwrap();
        for kind in types {
            bytes.extend(kind.to_le_bytes());
            bytes.extend([0; 52]);
        }
        bytes
    }

    #[test]
    fn a_program_that_names_a_loader_needs_the_library_behind_it() {
        for (what, head, dynamic) in [
            ("static", elf(&[1, 1, 2]), false),
            ("dynamic", elf(&[6, 3, 1]), true),
            ("no headers", elf(&[]), false),
            ("cut off", elf(&[1, 1])[..100].to_vec(), true),
            ("a script", b"#!/bin/sh\n".to_vec(), true),
            ("nothing", Vec::new(), true),
        ] {
            assert_eq!(is_dynamic(&head), dynamic, "{what}");
        }
    }
}
