//! The routes: one file for each endpoint, with its request, its answer and its handler.

pub mod appointments;
mod refusal;
