//! The log room.
