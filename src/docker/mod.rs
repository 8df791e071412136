//! The Docker engine, or one that speaks its API, through its socket.

mod connect;
pub mod container;
pub mod image;
mod info;

pub use connect::{Trouble, connect};
pub use info::{Info, info};

pub use bollard::Docker;
pub use bollard::errors::Error;
