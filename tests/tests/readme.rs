//! The README's own commands, run as they stand there.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "a test may fail by panic"
)]

use std::fs;

use hms_tests::{Platform, binary, on_both_kinds, repository, run};
use serde_json::Value;

const BEGIN: &str = "<!-- tested: begin -->";
const END: &str = "<!-- tested: end -->";
/// What an output must contain: a line of this form after the command.
const EXPECTATION: &str = "# => ";
/// Tells, in the output, where an expectation stood.
const MARK: &str = "@expectation ";

on_both_kinds! {
    /// On a fresh folder, with an import before it and a night after it.
    async fn its_commands_do_what_it_says(kind) {
        // It reads the password that the platform makes up.
        let mut platform = Platform::prepare(kind).with("HMS_ADMIN_PASSWORD", "").with("HMS_RATE_LIMITS", "");
        platform.launch().await;
        let export = repository().join("crates/hms/tests/data/synthea-small");
        platform.run(&["import", "synthea", export.to_str().unwrap()]).await.expect(0);
        run_the_readme(&platform).await;
        let evening = everything(&platform).await;
        platform.restart().await;
        assert_eq!(everything(&platform).await, evening);
    }
}

async fn run_the_readme(platform: &Platform) {
    let readme = fs::read_to_string(repository().join("README.md")).unwrap();
    let tested = commands(&readme);
    assert!(tested.iter().any(|line| line.starts_with(EXPECTATION)), "no line '# => …' in {tested:?}");
    let script = platform.folder().join("readme.sh");
    fs::write(&script, as_script(&tested, platform)).unwrap();
    let mut bash = platform.program("bash");
    bash.args(["-euo", "pipefail"]).arg(&script).current_dir(repository());
    let path = format!("{}:{}", binary().parent().unwrap().display(), inherited_path(&bash));
    bash.env("PATH", path);
    let outcome = run(bash).await;
    check(&outcome.expect(0).stdout);
}

async fn everything(platform: &Platform) -> Vec<Value> {
    let password = fs::read_to_string(platform.data().join("admin-password")).unwrap();
    let admin = platform.sign_in("admin", password.trim()).await;
    let mut all = Vec::new();
    for list in ["patients", "practitioners", "departments", "appointments"] {
        let path = format!("/api/v1/{list}?page_size=100");
        all.push(admin.client.get(&path).await.expect(200).body.clone());
    }
    all
}

/// The lines of the blocks marked `sh` in the parts that are tested.
fn commands(readme: &str) -> Vec<&str> {
    let parts = readme.split(BEGIN).skip(1).map(|part| part.split(END).next().unwrap());
    let blocks = parts.flat_map(|part| part.split("```sh\n").skip(1));
    let lines: Vec<_> = blocks.flat_map(|block| block.split("```").next().unwrap().lines()).collect();
    assert!(!lines.is_empty(), "the README has no commands between {BEGIN} and {END}");
    lines
}

/// The same commands at this platform's address and folder, with a mark for each expectation.
fn as_script(lines: &[&str], platform: &Platform) -> String {
    let data = format!("{}/", platform.data().display());
    let here =
        |line: &str| line.replace("http://127.0.0.1:8080", &platform.gateway_url()).replace("data/", &data);
    let line = |line: &&str| match line.strip_prefix(EXPECTATION) {
        Some(expected) => format!("printf '\\n%s%s\\n' '{MARK}' {}\n", quoted(expected)),
        None => format!("{}\n", here(line)),
    };
    lines.iter().map(line).collect()
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

fn inherited_path(command: &std::process::Command) -> String {
    let path = command.get_envs().find(|(name, _)| *name == "PATH").and_then(|(_, value)| value);
    path.unwrap().to_str().unwrap().to_owned()
}

/// What was written since the expectations of the command before must contain each expected text.
fn check(output: &str) {
    let (mut written, mut checked) = (String::new(), false);
    for line in output.lines() {
        match line.strip_prefix(MARK) {
            Some(expected) => {
                assert!(written.contains(expected), "expected: {expected}\nwritten: {written}");
                checked = true;
            }
            None if line.is_empty() => {}
            None => {
                if std::mem::take(&mut checked) {
                    written.clear();
                }
                written.push_str(line);
                written.push('\n');
            }
        }
    }
}
