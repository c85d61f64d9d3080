"""A push service with a browser behind it: checks who sends (PyJWT), decrypts as the browser would (http_ece), and says as
JSON what came. The path says how it answers: /201 takes the message."""

import base64
import http.server
import json
import os
import ssl
import sys

import http_ece
import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

CERTIFICATE, KEY = sys.argv[1:3]
BROWSER, SECRET = ec.generate_private_key(ec.SECP256R1()), os.urandom(16)


def say(what):
    print(json.dumps(what), flush=True)


def encoded(octets):
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def public(key):
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def sender(authorization, audience):
    scheme, _, parameters = authorization.partition(" ")
    assert scheme.lower() == "vapid", authorization
    fields = dict(field.strip().split("=", 1) for field in parameters.split(","))
    octets = base64.urlsafe_b64decode(fields["k"] + "=" * (-len(fields["k"]) % 4))
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), octets)
    # The clock of the tests stands elsewhere: how long the token is good is looked at below.
    options = {"require": ["aud", "exp", "sub"], "verify_exp": False}
    claims = jwt.decode(fields["t"], key, algorithms=["ES256"], audience=audience, options=options)
    return {"key": fields["k"], "contact": claims["sub"], "until": claims["exp"]}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        assert self.headers["Content-Encoding"] == "aes128gcm"
        assert len(body) <= 4096, len(body)
        plain = http_ece.decrypt(body, private_key=BROWSER, auth_secret=SECRET, version="aes128gcm")
        say(
            {
                "path": self.path,
                "sender": sender(self.headers["Authorization"], f"https://{self.headers['Host']}"),
                "headers": {name: self.headers[name] for name in ("TTL", "Urgency", "Topic")},
                "message": json.loads(plain),
            }
        )
        status = int(self.path.strip("/"))
        self.send_response(status)
        if status == 201:
            self.send_header("Location", "https://push.test/message/7")
        if status in (429, 503):
            self.send_header("Retry-After", "120")
        if status == 307:
            self.send_header("Location", "/201")
        self.send_header("Content-Length", "0")
        self.end_headers()


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
tls.load_cert_chain(CERTIFICATE, KEY)
server.socket = tls.wrap_socket(server.socket, server_side=True)
say({"port": server.server_port, "p256dh": encoded(public(BROWSER.public_key())), "auth": encoded(SECRET)})
server.serve_forever()
