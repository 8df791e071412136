//! The cli room.

pub mod cron;
pub mod logs;
