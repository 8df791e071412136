//! The scheduler room.

pub mod cron;
