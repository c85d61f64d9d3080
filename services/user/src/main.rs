//! The user service alone.

fn main() -> std::process::ExitCode {
    hms_service::run(&hms_user::PROGRAM)
}
