"""What a booking and a search for free slots cost the appointment service, alone on SQLite, with all that is on by default:
the token, the decision, the unit of work, the event, the audit's entry, and what is kept of an idempotency key."""

import datetime
import json
import sqlite3
import subprocess
import uuid

from callgrind import Client, Program, free_ports
from gateway import ISSUER, SECRET, token

PORT = 8002
PEOPLE = 40
BOOKED_MINUTES = 15
MONDAY = datetime.datetime(2030, 1, 7, 8, tzinfo=datetime.UTC)
SCOPES = "appointment:read appointment:write schedule:read schedule:write"


def ids(kind):
    """UUIDs of version 7, the same each time."""
    return [f"0197a3c2-0000-7000-8000-{kind:04x}{number:08x}" for number in range(PEOPLE)]


PATIENTS, PRACTITIONERS, DEPARTMENT = ids(1), ids(2), ids(3)[0]

# Whom the service was told of before.
KNOWN = [
    ("INSERT INTO patients (id, version, active) VALUES (?, 1, TRUE)", [(each,) for each in PATIENTS]),
    (
        "INSERT INTO practitioners (id, version, name, active) VALUES (?, 1, 'Noor Haddad', TRUE)",
        [(each,) for each in PRACTITIONERS],
    ),
    ("INSERT INTO departments (id, version, active) VALUES (?, 1, TRUE)", [(DEPARTMENT,)]),
]


def settings(work, port):
    return {
        "HMS_DATA_DIR": str(work),
        "HMS_PORT_OFFSET": str(port - PORT),
        "HMS_WORKERS": "1",
        "HMS_PUBLIC_URL": ISSUER,
        "HMS_CLIENT_SECRET": "bench",
        "JWT_ALGORITHM": "HS256",
        "JWT_SECRET": SECRET,
        "LOG_FORMAT": "json",
    }


def prepare(work, program, env):
    subprocess.run([program, "migrate"], env=env, check=True, capture_output=True)
    (file,) = work.glob("*.sqlite3")
    database = sqlite3.connect(file)
    with database:
        for statement, values in KNOWN:
            database.executemany(statement, values)
    database.close()


def measure(work, binaries):
    (port,) = free_ports(1)
    program, env = binaries / "hms-appointment", settings(work, port)
    prepare(work, program, env)
    bearer = token(["receptionist", "admin"], SCOPES)
    with Program(work, [program], env, port) as service:
        ask = Client(port, {"authorization": f"Bearer {bearer}", "content-type": "application/json"})

        def make(path, body):
            ask("POST", path, 201, json.dumps(body), {"idempotency-key": str(uuid.uuid4())})

        weekly = [{"weekday": day, "start": "08:00", "end": "16:00"} for day in ("monday", "tuesday", "wednesday")]
        schedule = {
            "practitioner_id": PRACTITIONERS[-1],
            "department_id": DEPARTMENT,
            "zone": "Europe/Berlin",
            "valid_from": "2020-01-01",
            "hours": {"weekly": weekly},
            "slot_minutes": 30,
        }
        make("/api/v1/schedules", schedule)

        def book(number):
            # Those of the first half have no schedule, and any time is theirs.
            turn, practitioner = divmod(number, PEOPLE // 2)
            start = MONDAY + datetime.timedelta(minutes=BOOKED_MINUTES * turn)
            booking = {
                "patient_id": PATIENTS[number % PEOPLE],
                "practitioner_id": PRACTITIONERS[practitioner],
                "start": start.isoformat(),
                "end": (start + datetime.timedelta(minutes=BOOKED_MINUTES)).isoformat(),
                "reason": "check-up",
            }
            make("/api/v1/appointments", booking)

        booking = service.instructions_of(ask, book)
        day = f"from={MONDAY:%Y-%m-%d}T00:00:00Z&to={MONDAY:%Y-%m-%d}T23:59:00Z"
        slots = f"/api/v1/slots?practitioner_id={PRACTITIONERS[-1]}&{day}"
        found = json.loads(ask("GET", slots, 200))["results"]
        assert len(found) == 16, found
        searching = service.instructions_of(ask, lambda _: ask("GET", slots, 200))
    return {"appointment-book": booking, "appointment-slots-of-a-day": searching}
