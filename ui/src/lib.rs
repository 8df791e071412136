//! The console.
#![forbid(unsafe_code)]
