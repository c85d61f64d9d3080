# The table of `make bench`. It reads measurements, one a line: what was measured, then `name=value` pairs, and shows
# the median of each value over the rounds. Ends with 1 if a request failed.

{
  what = $1
  for (i = 2; i <= NF && $i !~ /=/; i++) what = what " " $i
  round = ++rounds[what]
  for (; i <= NF; i++) {
    equals = index($i, "=")
    value[what, substr($i, 1, equals - 1), round] = substr($i, equals + 1)
  }
  if ($1 == "load" && !(($3, $4) in seen)) {
    seen[$3, $4] = 1
    rows[++row_count] = $3 " " $4
  }
  if (value[what, "failed", round] > 0) failed[++failures] = what ", round " round ": " value[what, "failures", round]
}

END {
  if (rounds["start embedded on_nothing"]) starts()
  if (row_count) requests()
  if (rounds["listeners embedded"]) listeners()
  if (rounds["slots whole"]) slots()
  if (rounds["events rabbitmq"]) events("events rabbitmq")
  if (rounds["identity production"]) identity("identity production")
  if (rounds["webhooks production"]) webhooks("webhooks production")
  if (failures) {
    print "\nFAILED REQUESTS, by status:"
    for (f = 1; f <= failures; f++) print "  " failed[f]
    exit 1
  }
}

function starts() {
  printf "%-44s %10s %22s\n", "", "embedded", "PostgreSQL + RabbitMQ"
  pair("from start to all answering, s, on nothing", "start", "on_nothing", "s", "%.2f")
  pair("from start to all answering, s, on existing", "start", "on_existing", "s", "%.2f")
  pair("memory idle (VmRSS), MB", "memory", "idle", "mb", "%.0f")
}

function requests(    r, row) {
  printf "\n%-24s %5s  %-22s %10s %8s %8s %8s %7s %8s %9s\n", "request", "conn.", "on", "requests/s", "p50 ms",
    "p99 ms", "taken/s", "failed", "rest s", "/ pgbench"
  title["read"] = "GET /patients/{id}"
  title["book"] = "POST /appointments"
  title["register"] = "POST /patients"
  title["issue"] = "POST /billing/invoices"
  for (r = 1; r <= row_count; r++) {
    split(rows[r], row, " ")
    line(row[1], row[2], "embedded", "embedded")
    line(row[1], row[2], "production", "PostgreSQL + RabbitMQ")
    line(row[1], row[2], "pgbench", "pgbench, the limit")
  }
  print ""
  print "requests/s: those that did what they were for; taken/s: bookings answered 409 SLOT_TAKEN; rest s: from the last"
  print "answer until their events, mails and audit entries are done. The limit of GET is the select of the row by its"
  print "key; that of a write the very statements that the service sends."
}

function events(what) {
  printf "\n%-44s %10s %10s %8s\n", "events over RabbitMQ", "HMS/s", "bare/s", "ratio"
  printf "%-44s %10.0f %10.0f %8.2f\n", "outbox to confirm, beside a bare lapin loop", median(what, "relay_per_s"),
    median(what, "bare_per_s"), median(what, "ratio")
  printf "%-44s %10.0f\n", "outbox to the effect", median(what, "consumed_per_s")
  printf "%-44s %10.0f\n", "single commits with their effects", median(what, "commits_per_s")
  printf "%-44s p50 %.1f ms, p99 %.1f ms\n", "commit to effect, at half of that", median(what, "effect_p50_ms"),
    median(what, "effect_p99_ms")
}

function webhooks(what) {
  printf "\n%-44s %10s %10s %8s\n", "webhooks", "HMS/s", "bare/s", "ratio"
  printf "%-44s %10.0f %10.0f %8.2f\n", "deliveries, beside a bare signed loop", median(what, "deliveries_per_s"),
    median(what, "bare_per_s"), median(what, "ratio")
}

function identity(what) {
  printf "\n%-44s %10s %10s %8s\n", "identity", "HMS/s", "bare/s", "ratio"
  printf "%-44s %10.1f %10.1f %8.2f\n", "sign-ins, beside Argon2id alone on all cores", median(what, "logins_per_s"),
    median(what, "bare_per_s"), median(what, "ratio")
  printf "%-44s %10.0f\n", "checks of new tokens, one core", median(what, "fresh_per_s")
  printf "%-44s %10.0f\n", "checks of a token that is known, one core", median(what, "known_per_s")
}

# Of each change the time until the last one has heard of it.
function listeners() {
  printf "\n%-44s %10s %22s\n", "a change of the queue to the last of " median("listeners embedded", "listeners"), "embedded",
    "PostgreSQL + RabbitMQ"
  listener("p50, ms", "last_p50_ms")
  listener("p99, ms", "last_p99_ms")
}

function listener(label, name) {
  printf "%-44s %10.1f %22.1f\n", label, median("listeners embedded", name), median("listeners production", name)
}

function slots() {
  printf "\n%-44s %10s %8s %8s %7s\n", "GET /slots on PostgreSQL, 4 connections", "requests/s", "p50 ms", "p99 ms", "failed"
  size("slots tenth")
  size("slots whole")
}

function size(what) {
  printf "%-44s %10.0f %8.2f %8.2f %7d\n",
    sprintf("%d practitioners, %d days of bookings", median(what, "practitioners"), median(what, "days")),
    median(what, "per_s"), median(what, "p50_ms"), median(what, "p99_ms"), median(what, "failed")
}

function pair(label, group, which, name, form) {
  printf "%-44s %10s %22s\n", label, sprintf(form, median(group " embedded " which, name)),
    sprintf(form, median(group " production " which, name))
}

function line(request, connections, who, label,    what, sum, i, rest) {
  what = "load " who " " request " " connections
  printf "%-24s %5s  %-22s %10.0f %8.2f %8.2f", who == "embedded" ? title[request] : "",
    who == "embedded" ? connections : "", label, median(what, "per_s"), median(what, "p50_ms"), median(what, "p99_ms")
  if (who == "pgbench") {
    print ""
    return
  }
  for (i = 1; i <= rounds[what]; i++) sum += value[what, "failed", i]
  rest = median(what, "rest_s")
  printf " %8.0f %7d %8s", median(what, "conflicts_per_s"), sum, (rest >= longest_rest ? ">" : "") sprintf("%.1f", rest)
  if (who == "production") printf " %9.2f", median_ratio(what, "load pgbench " request " " connections)
  print ""
}

function median(what, name,    i, values) {
  for (i = 1; i <= rounds[what]; i++) values[i] = value[what, name, i]
  return middle(values, rounds[what])
}

# Of the ratios, not the ratio of the medians: both sides of one round have seen the same machine.
function median_ratio(what, limit,    i, values) {
  for (i = 1; i <= rounds[what]; i++) values[i] = value[what, "per_s", i] / value[limit, "per_s", i]
  return middle(values, rounds[what])
}

function middle(values, count,    i, j, moved) {
  for (i = 2; i <= count; i++) {
    moved = values[i] + 0
    for (j = i - 1; j >= 1 && values[j] + 0 > moved; j--) values[j + 1] = values[j]
    values[j + 1] = moved
  }
  i = int((count + 1) / 2)
  return count % 2 ? values[i] + 0 : (values[i] + values[i + 1]) / 2
}
