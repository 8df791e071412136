//! The Docker engine, or one that speaks its API, through its socket.

mod connect;
pub mod container;
pub mod exec;
pub mod image;
mod info;
pub mod label;
pub mod list;
pub mod usage;

pub use connect::{Trouble, connect};
pub use info::{Info, info};

pub use bollard::Docker;
pub use bollard::errors::Error;
