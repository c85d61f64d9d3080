//! Runs the auth service alone.

fn main() -> std::process::ExitCode {
    hms_service::run(&hms_auth::PROGRAM)
}
