//! One theme per file. These tests run one at a time.

mod attached;
mod fleet;
mod leaving;
mod logs;
mod manners;
mod panes;
mod runs;
