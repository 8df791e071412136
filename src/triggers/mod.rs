//! The triggers room.
