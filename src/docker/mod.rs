//! The Docker engine, or one that speaks its API, through its socket.

mod connect;

pub use connect::{Trouble, connect};

pub use bollard::Docker;
