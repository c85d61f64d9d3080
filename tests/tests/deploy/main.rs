//! What platforms are deployed with is right: manifests, images, compose, rules, dashboards. The programs that look at it
//! are those that people use: kubectl's kustomize, promtool, Prometheus.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may fail by panic"
)]

mod image;
mod manifests;
mod monitoring;

use std::path::PathBuf;
use std::process::{Command, Output};

use hms_tests::{programs, repository};

fn check() -> Command {
    Command::new(repository().join("tests/deploy/check.sh"))
}

fn program(name: &str) -> PathBuf {
    let file = programs().join(name);
    assert!(file.is_file(), "{} is missing: run `cargo build -p {name}` first", file.display());
    file
}

/// What a command that ends well writes to its standard output.
#[track_caller]
fn succeeds(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let (said, complained) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{command:?}: {status}\n{said}\n{complained}");
    said.into_owned()
}

/// What follows on the lines that begin so.
fn lines_after<'a>(text: &'a str, beginning: &str) -> impl Iterator<Item = &'a str> {
    text.lines().filter_map(move |line| line.trim_start().strip_prefix(beginning))
}
