"""Reads one calendar from standard input; says as JSON what is in it. Fails where it is not well formed."""

import json
import sys

from icalendar import Calendar

octets = sys.stdin.buffer.read()
for line in octets.split(b"\r\n"):
    assert b"\n" not in line, f"a line ends with LF alone: {line!r}"
    assert len(line) <= 75, f"a line is longer than 75 octets: {line!r}"
calendar = Calendar.from_ical(octets)
assert not calendar.errors, calendar.errors


def addresses(attendees):
    return [str(one) for one in (attendees if isinstance(attendees, list) else [attendees])]


def event(component):
    assert not component.errors, component.errors
    return {
        "uid": str(component["UID"]),
        "sequence": int(component["SEQUENCE"]),
        "stamp": component["DTSTAMP"].dt.isoformat(),
        "start": component["DTSTART"].dt.isoformat(),
        "end": component["DTEND"].dt.isoformat(),
        "status": str(component["STATUS"]),
        "description": str(component.get("DESCRIPTION", "")),
        "location": str(component.get("LOCATION", "")),
        "organizer": str(component.get("ORGANIZER", "")),
        "attendees": addresses(component.get("ATTENDEE", [])),
    }


json.dump(
    {
        "version": str(calendar["VERSION"]),
        "has_prodid": "PRODID" in calendar,
        "method": str(calendar.get("METHOD", "")),
        "events": [event(component) for component in calendar.walk("VEVENT")],
    },
    sys.stdout,
)
