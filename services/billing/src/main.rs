//! The billing service as a program of its own.

fn main() -> std::process::ExitCode {
    hms_service::run(&hms_billing::PROGRAM)
}
