//! The notification service as a program of its own.

fn main() -> std::process::ExitCode {
    hms_service::run(&hms_notification::PROGRAM)
}
