//! The Docker engine, or one that speaks its API, through its socket.

mod connect;
pub mod image;

pub use connect::{Trouble, connect};

pub use bollard::Docker;
