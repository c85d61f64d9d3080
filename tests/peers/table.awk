# The table of `make bench-peers`. It reads measurements, one a line: what was measured, then `name=value` pairs, and shows the
# median of each value over the rounds. Ends with 1 if a request failed; that a budget is missed is said, with what the file
# `reasons` has for it: lines of a title, what stands in the way, and what was tried, with tabs between them.

BEGIN {
  FS = "\t"
  while ((getline < reasons) > 0) reason[$1] = "      " $2 "\n      Tried: " $3 "\n"
  FS = " "
}

{
  what = $1
  for (i = 2; i <= NF && $i !~ /=/; i++) what = what " " $i
  round = ++rounds[what]
  for (; i <= NF; i++) {
    equals = index($i, "=")
    value[what, substr($i, 1, equals - 1), round] = substr($i, equals + 1)
  }
  if ($1 == "one" && !($2 in known)) {
    known[$2] = 1
    ones[++one_count] = $2
  }
  if (value[what, "failed", round] > 0) failed[++failures] = what ", round " round ": " value[what, "failures", round]
}

END {
  c = connections_of("read")
  printf "%-26s %-9s %10s %8s %8s %10s %9s\n", people " patients", "on", "requests/s", "p50 ms", "p99 ms", "CPU ms/req", "memory MB"
  row("GET one patient", "read")
  row("list of 25 with count", "list")
  row("search by part of a name", "find")
  row("create a patient", "register")
  row("book an appointment", "book")
  row("log in", "sign-in")
  if (rounds["load hms find-large " connections_of("find-large")]) {
    printf "%s patients\n", large
    row("GET one patient", "read-large")
    row("list of 25 with count", "list-large")
    row("search by part of a name", "find-large")
  }
  print ""
  print "CPU ms/req: all processes of that side and PostgreSQL, until the events of the request have had their effect."
  by_process()

  printf "\n%-64s %9s  %s\n", "budget", "is", "must be"
  budget("GET: HMS / pgbench", ratio("read", "pgbench"), 0.4, 1)
  budget("GET: HMS / Python stack", ratio("read", "python"), 8, 1)
  budget("GET: processor time, ms", of("hms", "read", "cpu_ms"), 0.15, 0)
  budget("list: HMS / pgbench with count", ratio("list", "pgbench"), 3, 1)
  budget("search: requests/s", of("hms", "find", "per_s"), 1000, 1)
  budget("create: HMS / Python stack", ratio("register", "python"), 6, 1)
  budget("create: HMS / pgbench with HMS's own statements", ratio("register", "pgbench"))
  budget("book: HMS / pgbench with HMS's own statements", ratio("book", "pgbench"), 0.8, 1)
  budget("book: HMS / Python stack", ratio("book", "python"), 5, 1)
  budget("book: p99, HMS / pgbench", quotient(of("hms", "book", "p99_ms"), of("pgbench", "book", "p99_ms")), 2, 0)
  budget("book: processor time, ms", of("hms", "book", "cpu_ms"), 0.8, 0)
  budget("log in: HMS / Argon2id alone on all cores", median("identity hms", "ratio"), 0.9, 1)
  many = median("storm hms", "connections")
  budget("log in: p99 of other reads, " many " at once / alone", median("storm hms", "ratio"), 2, 0)
  budget("    sign-ins/s meanwhile", median("storm hms", "logins_per_s"))
  budget("    memory of auth before, MB", median("storm hms", "before_mb"))
  budget("    at most meanwhile", median("storm hms", "most_mb"))
  budget("    and afterwards", median("storm hms", "after_mb"))
  budget("8 at once for one slot: slots given twice, of 20", median("race hms", "double"), 0, 0)
  budget("    the Python stack", median("race python", "double"))
  budget("all services in one process, to answering, s", median("embedded start", "s"), 1, 0)
  budget("    idle memory, MB", median("embedded idle", "mb"), 150, 0)
  for (i = 1; i <= one_count; i++) {
    one = ones[i]
    budget(one " alone, idle memory, MB", mb(one), one == "gateway" ? "" : 25, 0)
    budget("    to answering, s", start(one))
  }
  budget("the Python stack, idle memory, MB", median("idle python", "mb"))
  budget("events: relay / bare loop with confirms", median("events rabbitmq", "ratio"), 0.5, 1)
  budget("events: commit to effect, p50 ms", median("events rabbitmq", "effect_p50_ms"), 10, 0)
  budget("events: commit to effect, p99 ms", median("events rabbitmq", "effect_p99_ms"), 50, 0)
  budget("webhooks: deliveries / bare signed loop", median("webhooks hms", "ratio"), 0.5, 1)
  if (rounds["load hms find-large " c]) {
    budget("GET at " large " patients: time against " people, slower("read"))
    budget("list at " large " patients: time against " people, slower("list"))
    budget("search at " large " patients: time against " people, slower("find"), 2, 0)
  }
  if (failures) {
    print "\nFAILED REQUESTS, by status:"
    for (f = 1; f <= failures; f++) print "  " failed[f]
    exit 1
  }
}

function connections_of(what,    name, part) {
  for (name in rounds) if (split(name, part, " ") == 4 && part[1] == "load" && part[3] == what) return part[4]
}

function of(side, what, name) { return median("load " side " " what " " connections_of(what), name) }

function ratio(what, peer) { return quotient(of("hms", what, "per_s"), of(peer, what, "per_s")) }

function slower(what) { return quotient(of("hms", what, "per_s"), of("hms", what "-large", "per_s")) }

# Nothing where one of them was not measured.
function quotient(one, other) { return one == "" || other == "" ? "" : one / (other > 0 ? other : 1e-9) }

# Start and memory of a service were measured at different times, so each is its own measurement.
function mb(one,    i) { for (i = 1; i <= rounds["one " one]; i++) if ((("one " one), "mb", i) in value) return value["one " one, "mb", i] + 0 }
function start(one,    i) { for (i = 1; i <= rounds["one " one]; i++) if ((("one " one), "start_s", i) in value) return value["one " one, "start_s", i] + 0 }

function row(title, what) {
  side(title, what, "hms", "HMS")
  side("", what, "python", "Python")
  side("", what, "pgbench", "pgbench")
  if (what == "sign-in" && rounds["identity hms"])
    printf "%-26s %-9s %10.1f\n", "", "Argon2id", median("identity hms", "bare_per_s")
}

function side(title, what, who, label,    name) {
  name = "load " who " " what " " connections_of(what)
  if (!rounds[name]) return
  printf "%-26s %-9s %10.1f %8.2f %8.2f", title, label, median(name, "per_s"), median(name, "p50_ms"), median(name, "p99_ms")
  if (who != "pgbench") printf " %10.3f %9.1f", median(name, "cpu_ms"), median(name, "mb")
  print ""
}

function budget(title, is, must, above,    verdict, key) {
  if (is == "") return
  verdict = must == "" ? "" : sprintf("%s %g: %s", above ? ">=" : "<=", must, (above ? is >= must : is <= must) ? "reached" : "MISSED")
  printf "%-64s %9.2f  %s\n", title, is, verdict
  key = title
  sub(/^[a-z]+ alone/, "a service alone", key)
  if (verdict ~ /MISSED/ && key in reason && !told[key]++) printf "%s", reason[key]
}

# Where the processor time of a request goes, by process.
function by_process(    i, r, what, name, n, names, rows, titles) {
  for (i = 1; i <= one_count; i++) names[++n] = ones[i]
  names[++n] = "postgres"
  names[++n] = "rabbitmq"
  split("read list find register book sign-in", rows, " ")
  split("GET one patient,list of 25 with count,search by part of a name,create a patient,book an appointment,log in", titles, ",")
  print "\nProcessor time of a request to HMS in microseconds, by process:"
  printf "%-26s", ""
  for (i = 1; i <= n; i++) printf " %12s", names[i]
  print ""
  for (r = 1; r in rows; r++) {
    what = "load hms " rows[r] " " connections_of(rows[r])
    if (!rounds[what]) continue
    printf "%-26s", titles[r]
    for (i = 1; i <= n; i++) printf " %12.0f", median(what, "us_" names[i])
    print ""
  }
}

function median(what, name,    i, j, count, values, moved) {
  count = rounds[what]
  if (!count) return ""
  for (i = 1; i <= count; i++) values[i] = value[what, name, i] + 0
  for (i = 2; i <= count; i++) {
    moved = values[i]
    for (j = i - 1; j >= 1 && values[j] > moved; j--) values[j + 1] = values[j]
    values[j + 1] = moved
  }
  i = int((count + 1) / 2)
  return count % 2 ? values[i] : (values[i] + values[i + 1]) / 2
}
