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

const BEGIN: &str = "<!-- tested: begin -->";
const END: &str = "<!-- tested: end -->";
/// What an output must contain: a line of this form after the command.
const EXPECTATION: &str = "# => ";
/// Tells, in the output, where an expectation stood.
const MARK: &str = "@expectation ";

on_both_kinds! {
    async fn its_commands_do_what_it_says(kind) {
        // It reads the password that the platform makes up.
        let mut platform = Platform::prepare(kind).with("HMS_ADMIN_PASSWORD", "");
        platform.launch().await;
        let readme = fs::read_to_string(repository().join("README.md")).unwrap();
        let tested = commands(&readme);
        assert!(tested.iter().any(|line| line.starts_with(EXPECTATION)), "no line '# => …' in {tested:?}");

        let script = platform.folder().join("readme.sh");
        fs::write(&script, as_script(&tested, &platform)).unwrap();
        let mut bash = platform.program("bash");
        bash.args(["-euo", "pipefail"]).arg(&script).current_dir(repository());
        let path = format!("{}:{}", binary().parent().unwrap().display(), inherited_path(&bash));
        bash.env("PATH", path);
        let outcome = run(bash).await;
        check(&outcome.expect(0).stdout);
    }
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
    let here = |line: &str| line.replace("http://127.0.0.1:8080", &platform.gateway_url()).replace("data/", &data);
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
