"""A mail server: takes mail, and says as JSON what Python's own parser and icalendar find in it.

By the recipient: later@ and never@ are refused (451, 550), hang@ gets no answer. A message in the other modes than plain
is taken only from who has signed in over TLS.
"""

import asyncio
import email
import email.policy
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
from icalendar import Calendar

MODE, CERTIFICATE, KEY = sys.argv[1:4]
USER, PASSWORD = b"clinic", b"p@ss:word"


def say(what):
    print(json.dumps(what), flush=True)


def calendar(text):
    read = Calendar.from_ical(text)
    return {"method": str(read["METHOD"]), "events": [str(event["UID"]) for event in read.walk("VEVENT")]}


def part(found):
    content = found.get_content()
    text = content.decode() if isinstance(content, bytes) else content
    return {
        "type": found.get_content_type(),
        "parameters": dict(found["Content-Type"].params),
        "file": found.get_filename(),
        "disposition": found.get_content_disposition(),
        "text": text,
        "calendar": calendar(text) if "BEGIN:VCALENDAR" in text else None,
    }


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        match address.split("@")[0]:
            case "later":
                return f"451 4.2.2 <{address}>: Mailbox busy"
            case "never":
                return f"550 5.1.1 <{address}>: Recipient address rejected"
            case "hang":
                await asyncio.sleep(60)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert not mail.defects, mail.defects
        say(
            {
                "from": envelope.mail_from,
                "to": envelope.rcpt_tos,
                "tls": server.transport.get_extra_info("ssl_object") is not None,
                "user": session.auth_data.decode() if session.authenticated else None,
                "connection": session.peer[1],
                "headers": {name.lower(): str(value) for name, value in mail.items()},
                "shape": [found.get_content_type() for found in mail.walk()],
                "parts": [part(found) for found in mail.walk() if not found.is_multipart()],
            }
        )
        return "250 2.0.0 OK"


def sign_in(server, session, envelope, mechanism, data):
    right = isinstance(data, LoginPassword) and (data.login, data.password) == (USER, PASSWORD)
    return AuthResult(success=right, handled=False, auth_data=data.login)


async def main():
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(CERTIFICATE, KEY)
    options = {"plain": {}, "tls": {}, "starttls": {"tls_context": tls, "require_starttls": True}}[MODE]
    if MODE != "plain":
        options |= {
            "authenticator": sign_in,
            "auth_required": True,
            # Under implicit TLS the library does not know that it is encrypted.
            "auth_require_tls": MODE == "starttls",
        }
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(Handler(), hostname="mail.test", **options),
        "127.0.0.1",
        0,
        ssl=tls if MODE == "tls" else None,
    )
    say({"port": server.sockets[0].getsockname()[1]})
    await server.serve_forever()


asyncio.run(main())
