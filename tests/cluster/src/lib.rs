//! A little cluster on one machine, made of the manifests that are applied elsewhere (`k8s/overlays/dev`): each pod is a
//! program in the root of its image, in a network namespace of its own; nothing is forwarded between them but what the
//! NetworkPolicies let through; Services lead to the pods that are ready; a rollout goes as a Deployment's does.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test may fail by panic"
)]

mod cluster;
pub mod manifests;
pub mod next;
pub mod node;
mod pod;
pub mod policies;
mod servers;

pub use cluster::{Cluster, OUTSIDE};
pub use pod::Pod;
