//! The cli room.

pub mod logs;
