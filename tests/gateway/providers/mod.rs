//! Every provider with its own deliveries: who signed it, what it means, whom it reaches, what the
//! sender is told. The deliveries are invented, in the shape of the real ones, and stand in
//! `tests/fixtures/webhooks`.

mod contexts;
mod explain;
pub mod fixtures;
mod generic;
mod live;
mod readme;
mod table;
