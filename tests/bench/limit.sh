# The limit of a unit of work: its own statements, run by pgbench on tables like its own. To be sourced after common.sh.
# shellcheck shell=bash disable=SC2154 # common.sh and the bench set what is used here

pgbench_runs=0

# Ids of a hundred of the platform's own rows, as an SQL array.
ids() {
  sql "$(database_url user)" "SELECT 'ARRAY[' || string_agg(quote_literal(id), ',') || ']::uuid[]'
    FROM (SELECT id FROM $1 LIMIT 100) AS hundred"
}

# The statements run on tables like the platform's own, with the same indexes, constraints and triggers; the outbox must
# not be the real one, or the platform would publish what pgbench writes.
prepare_limit() {
  local patients
  patients=$(ids patients)
  cat >"$work/read.sql" <<SQL
\set patient random(1, 100)
SELECT * FROM patients WHERE id = ($patients)[:patient];
SQL
  likeness user idempotency_keys patients outbox
  likeness appointment idempotency_keys patients practitioners departments schedules occupancy appointments outbox
  likeness billing idempotency_keys patients series invoices accounts closed_periods entries postings outbox
  sql "$(database_url appointment)" "
    INSERT INTO bench.patients (id, version, active)
      SELECT CAST(lpad(CAST(number AS text), 32, '0') AS uuid), 1, TRUE FROM generate_series(1, 100) AS number;
    INSERT INTO bench.practitioners (id, version, name, active)
      SELECT CAST(lpad(CAST(number AS text), 32, '0') AS uuid), 1, 'Noor Haddad', TRUE
      FROM generate_series(1, 50) AS number;"
  sql "$(database_url billing)" "
    INSERT INTO bench.accounts SELECT * FROM accounts;
    INSERT INTO bench.series (code, next) VALUES ('INV', 1);
    INSERT INTO bench.patients (id, version, name, active)
      SELECT CAST(lpad(CAST(number AS text), 32, '0') AS uuid), 1, 'Ann', TRUE FROM generate_series(1, 100) AS number;"
  cp tests/load/sql/*.sql "$work"
}

# Empty tables like those of a service, in the schema bench of its database; with their triggers, and the keys by which they
# refer to each other.
likeness() {
  local url table names
  url=$(database_url "$1")
  names=$(printf ", '%s'::regclass" "${@:2}")
  sql "$url" "CREATE SCHEMA bench"
  for table in "${@:2}"; do sql "$url" "CREATE TABLE bench.$table (LIKE $table INCLUDING ALL)"; done
  sql "$url" "
    SELECT replace(pg_get_triggerdef(oid), ' ON public.', ' ON bench.') || ';' FROM pg_trigger
      WHERE tgrelid IN (${names#, }) AND NOT tgisinternal
    UNION ALL
    SELECT format('ALTER TABLE %I ADD %s;', relname, pg_get_constraintdef(pg_constraint.oid))
      FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid
      WHERE contype = 'f' AND conrelid IN (${names#, }) AND confrelid IN (${names#, });" >"$work/likeness.sql"
  PGOPTIONS="-c search_path=bench,public" psql -XAtq -v ON_ERROR_STOP=1 "$url" -f "$work/likeness.sql"
}

# The service whose statements those of a row are.
service_of() {
  case $1 in
    book) echo appointment ;;
    issue) echo billing ;;
    *) echo user ;;
  esac
}

# Runs `$work/<what>.sql` on the database that the service has, or on another one. One second more than the others, for the
# log-ins of its connections, which it leaves out of its figures.
limit() {
  local what=$1 count=$2 url=${3:-} out=$work/pgbench.out latencies tps
  [ -n "$url" ] || url=$(database_url "$(service_of "$what")")
  rm -f "$work"/pgbench_log.*
  # No two runs of a booking share a value of `n`, see book.sql.
  PGOPTIONS="-c search_path=$([[ $what == read || -n ${3:-} ]] || echo bench,)public" \
    timeout --foreground $((seconds + 60)) "$pgbench" -n -M prepared -c "$count" -j 2 -T $((seconds + 1)) \
    -D n=$((pgbench_runs++ * 80000)) \
    -f "$work/$what.sql" -l --sampling-rate=0.2 --log-prefix="$work/pgbench_log" \
    "$url" >"$out" 2>&1 || true
  tps=$(sed -n 's/^tps = \([0-9.]*\).*/\1/p' "$out")
  # Without a figure, or with clients that gave up, there is nothing to compare with.
  if [ -z "$tps" ] || grep -q 'aborted' "$out"; then
    cat "$out" >&2
    fail "pgbench failed"
  fi
  latencies=$(cat "$work"/pgbench_log.* | awk '{ print $3 }' | sort -n | awk '
    { all[NR] = $1 }
    function rank(part) { return all[int(NR * part + 0.999999)] / 1000 }
    END { printf "p50_ms=%.3f p99_ms=%.3f", rank(0.5), rank(0.99) }')
  say "pgbench, $what, $count connections: per_s=$tps $latencies"
  record "load pgbench $what $count per_s=$tps $latencies"
}
