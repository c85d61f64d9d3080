#!/usr/bin/env bash
# Kills the platform under load, in every way it can be killed, and checks that nothing acknowledged is lost or
# doubled (`make test-crash`). Prints a table; the exit code is 0 only when every count of lost and doubled is 0.
#
#   HMS_CRASH_WRITES       acknowledged writes at the least (2000: about three minutes; the long form: 20000)
#   HMS_CRASH_BROKER_AWAY  seconds without RabbitMQ (10; from 20000 writes on 60)
#   HMS_CRASH_KILLS        how often `hms up` is killed at the least (10)
#   HMS_CRASH_WRITERS      clients that write at the same time (8)
#   HMS_CRASH_SEED         what is drawn by chance: the order and the moments of the faults, the writes
#   HMS_TEST_BACKENDS      sqlite,postgres (default), or one of them
#   PROFILE                dev (default), or another profile of Cargo.toml
#
# PostgreSQL and RabbitMQ are our own, in target/crash, on ports of their own, and gone afterwards. What the clients
# were told and the logs of the services stay there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

profile=${PROFILE:-dev}
binaries=${CARGO_TARGET_DIR:-target}/$([ "$profile" = dev ] && echo debug || echo "$profile")

cargo build --workspace --bins --profile "$profile"
exec "$binaries/hms-crash"
