//! Images: what agents run in.

mod dockerfile;
mod elf;
