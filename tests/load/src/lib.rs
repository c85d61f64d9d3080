//! The load generator behind `make bench`: a closed loop over a fixed number of kept-alive connections. Each of them
//! sends a request, reads the answer to its end, and sends the next, so a slower server is asked less.
//!
//! It runs on one thread. What it measures shares the machine with it, and a second thread would only take more from
//! the server.

pub mod api;
pub mod broker;
pub mod calendar;
pub mod connection;
pub mod crowd;
pub mod events;
pub mod hospital;
pub mod identity;
pub mod listeners;
pub mod load;
pub mod race;
pub mod storm;
pub mod tally;
pub mod webhooks;
pub mod work;
