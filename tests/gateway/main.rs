//! The gateway on a real socket, in front of a real engine and a real history. Only the programs of
//! agents are played: they run until a test ends them. In `programs` they are real, too.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod audit;
mod auth;
mod calls;
mod client;
mod console;
mod control;
mod crowds;
mod dashboard;
mod faces;
mod fixtures;
mod limits;
mod locks;
mod logs;
mod openapi;
mod orders;
mod past;
mod programs;
mod providers;
mod rates;
mod receipts;
mod shapes;
mod signals;
mod stage;
mod streams;
mod tls;
mod usage;
mod waits;
mod webhooks;
mod world;
