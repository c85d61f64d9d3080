#!/usr/bin/env python3
"""How much one hospital, a hundred and ten thousand ask of HMS: the tables of docs/scale.md.

    deploy/scale.py            prints them
    deploy/scale.py --write    puts them into docs/scale.md
    deploy/scale.py --check    exits with 1 when docs/scale.md says something else

The assumptions stand at the top; change them to your own hospital and print again. Rows and octets are counted, the busiest second
is simulated: a day of arrivals that follow the hours of a clinic (a Poisson process, with a fixed seed).
"""

import math
import random
import sys
from pathlib import Path

# --- assumptions: one hospital of about 500 beds, on a working day ------------------------------------------------

VISITS = 2_000  # outpatients and admissions
BOOKINGS = 1.2  # of them, and below: for each visit
MOVES = 0.15  # rescheduled or cancelled
QUEUE = 4  # changes of a ticket at the counter
LOOKS = 40  # a patient's record shown to somebody; each is an audit entry
LISTS = 10
SEARCHES = 6
INVOICES = 1.0
PAYMENTS = 0.7
MESSAGES = 3  # for each booking: confirmation, reminder, change
SIGN_INS = 1.3
REGISTRATIONS = 0.1

# The share of each hour of the day; they add up to 1.
HOURS = [.002] * 6 + [.01, .06, .13, .14, .12, .10, .07, .08, .10, .08, .05, .025, .012, .006] + [.00125] * 4
HOURS = [hour / sum(HOURS) for hour in HOURS]

# --- measured: octets a row on PostgreSQL, its indexes included (Synthea's 2,590 encounters imported and vacuumed) -

OCTETS = {
    "audit.entries": 1087 + 166,  # with entry_patients
    "appointment.appointments": 617 + 294 + 180,  # with identifiers and occupancy
    "billing.invoices": 1629 + 803 * 0.3,  # with claims of every third
    "billing.postings": 151 * 2.2 + 302,  # with their entry
    "notification.messages": 900,
    "idempotency_keys": 1500,
    "inbox": 95,
    "outbox": 900,
}

SIZES = [("one hospital", 1), ("a hundred", 100), ("ten thousand", 10_000)]


def a_day():
    """Of one hospital: requests by kind, and rows by table with the days they are kept (None: for ever)."""
    requests = {
        "looks at a record": LOOKS,
        "lists": LISTS,
        "searches": SEARCHES,
        "bookings and moves": BOOKINGS + MOVES,
        "queue": QUEUE,
        "invoices and payments": INVOICES + PAYMENTS,
        "sign-ins": SIGN_INS,
        "registrations": REGISTRATIONS,
    }
    writes = BOOKINGS + MOVES + QUEUE + INVOICES + PAYMENTS + REGISTRATIONS
    money = INVOICES + PAYMENTS
    # Each write is one event for the others and one for the audit; looks at records share events.
    events = 2 * writes + MESSAGES * BOOKINGS + SIGN_INS + LOOKS / 8
    rows = {
        "audit.entries": (LOOKS + writes + SIGN_INS, 6 * 365),
        "appointment.appointments": (BOOKINGS, None),
        "billing.invoices": (INVOICES, None),
        "billing.postings": (money, None),
        "notification.messages": (MESSAGES * BOOKINGS, None),
        "idempotency_keys": (writes, 1),
        "inbox": (2.5 * events, 7),
        "outbox": (events, 0),
    }
    return ({kind: VISITS * n for kind, n in requests.items()}, VISITS * events,
            {table: (VISITS * n, days) for table, (n, days) in rows.items()})


def poisson(mean, rng):
    """A draw; above 50 the normal approximation, which is as good there."""
    if mean > 50:
        return max(0, round(rng.gauss(mean, math.sqrt(mean))))
    limit, count, product = math.exp(-mean), 0, rng.random()
    while product > limit:
        count += 1
        product *= rng.random()
    return count


def busiest_second(a_day_of_requests, seed=20261130):
    """The most requests in one second of a simulated day: people come in bursts of a screen's requests."""
    rng = random.Random(seed)
    burst = 8  # requests that one screen sends within a second
    most = 0
    for hour in HOURS:
        mean = a_day_of_requests * hour / 3600 / burst
        most = max(most, max(poisson(mean, rng) for _ in range(3600)) * burst)
    return most


def number(value):
    return f"{value:,.0f}" if value >= 10 else f"{value:,.1f}"


def octets(value):
    for unit in ("kB", "MB", "GB", "TB"):
        value /= 1000
        if value < 1000:
            break
    return f"{value:,.0f} {unit}" if value >= 10 else f"{value:,.1f} {unit}"


def tables():
    requests, events, rows = a_day()
    total = sum(requests.values())
    lines = ["| a working day | " + " | ".join(name for name, _ in SIZES) + " |", "| --- |" + " ---: |" * len(SIZES)]

    def line(title, *values):
        lines.append(f"| {title} | " + " | ".join(values) + " |")

    for kind, count in requests.items():
        line(kind, *(number(count * size) for _, size in SIZES))
    line("**requests**", *(number(total * size) for _, size in SIZES))
    line("requests a second, mean of the busiest hour", *(number(total * size * max(HOURS) / 3600) for _, size in SIZES))
    line("requests in the busiest second (simulated)", *(number(busiest_second(total * size)) for _, size in SIZES))
    line("**events**", *(number(events * size) for _, size in SIZES))
    line("events a second, mean of the busiest hour", *(number(events * size * max(HOURS) / 3600) for _, size in SIZES))
    entries = rows["audit.entries"][0]
    line("audit entries a second, mean of the busiest hour", *(number(entries * size * max(HOURS) / 3600) for _, size in SIZES))
    lines += ["", "| table | kept | rows a day, one hospital | one hospital, after six years | a hundred | ten thousand |",
              "| --- | --- | ---: | ---: | ---: | ---: |"]
    sized = []
    for table, (count, days) in rows.items():
        held = count * (days if days is not None else 6 * 365)
        sized.append((held * OCTETS[table], table, count, days))
    for size, table, count, days in sorted(sized, reverse=True):
        kept = {None: "for ever", 0: "until published", 1: "a day"}.get(days, f"{days:,} days" if days else "")
        lines.append(f"| `{table}` | {kept} | {number(count)} | " + " | ".join(octets(size * n) if size else "-" for _, n in SIZES) + " |")
    return "\n".join(lines)


def main():
    page = Path(__file__).parent.parent / "docs/scale.md"
    begin, end = "<!-- deploy/scale.py: begin -->\n", "\n<!-- deploy/scale.py: end -->"
    if sys.argv[1:] not in ([], ["--write"], ["--check"]):
        sys.exit(__doc__)
    made = tables()
    if not sys.argv[1:]:
        print(made)
        return
    text = page.read_text()
    before, rest = text.split(begin)
    after = rest.split(end)[1]
    new = before + begin + made + end + after
    if sys.argv[1] == "--write":
        page.write_text(new)
    elif new != text:
        sys.exit("docs/scale.md is not what deploy/scale.py makes: deploy/scale.py --write")


main()
