//! The cli room.

pub mod cron;
