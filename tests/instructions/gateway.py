"""What passing one request through the gateway costs it, with all that is on by default: the token, what is revoked,
limits, metrics, and the access log."""

import base64
import hashlib
import hmac
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from callgrind import PAUSE_SECONDS, Client, Program, free_ports

SECRET = "a secret that is long enough for HS256"
ISSUER = "https://bench.hms.example"
ACCOUNT = "0190163d-8694-739b-aea5-966c26f8ad90"


class Service(BaseHTTPRequestHandler):
    """A service that answers 1 KB of JSON, and those routes of the auth service that the gateway asks."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    # Head and body go out as one, as from a service that is written for it.
    wbufsize = 64 * 1024
    pause = PAUSE_SECONDS
    answers = {
        "/api/v1/bench": json.dumps({"filler": "x" * 1008}),
        "/api/v1/oauth/token": '{"access_token":"bench","token_type":"Bearer","expires_in":3600}',
        "/internal/revocations": '{"position":0,"revoked":[],"complete":true}',
        "/health": '{"status":"healthy"}',
    }

    def answer(self):
        self.rfile.read(int(self.headers.get("content-length") or 0))
        body = self.answers[self.path.split("?")[0]].encode()
        time.sleep(self.pause)
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.send_header("etag", '"7"')
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = answer

    def log_message(self, *_):
        pass


def token(roles=("nurse",), scope="patient:read"):
    """That of somebody with these roles and scopes."""

    def encoded(data):
        return base64.urlsafe_b64encode(data).rstrip(b"=")

    now = int(time.time())
    head = {"alg": "HS256", "typ": "at+jwt"}
    claims = {"iss": ISSUER, "aud": "hms", "sub": ACCOUNT, "sid": ACCOUNT, "jti": ACCOUNT, "iat": now, "exp": now + 3600}
    claims |= {"roles": list(roles), "scope": scope}
    signed = b".".join(encoded(json.dumps(part).encode()) for part in (head, claims))
    signature = hmac.new(SECRET.encode(), signed, hashlib.sha256).digest()
    return (signed + b"." + encoded(signature)).decode()


def serve(pause=PAUSE_SECONDS):
    """Such a service, and its URL."""
    service = ThreadingHTTPServer(("127.0.0.1", 0), type("Paused", (Service,), {"pause": pause}))
    threading.Thread(target=service.serve_forever, daemon=True).start()
    return service, f"http://127.0.0.1:{service.server_port}"


def settings(work, url, port):
    """The environment of a gateway on this port before the service at this URL, with limits that count and never refuse."""
    routes, limits = work / "routes.toml", work / "limits.toml"
    routes.write_text(f'[[upstream]]\nname = "bench"\nurl = "{url}"\nresources = ["bench"]\n')
    limits.write_text('[[limit]]\nplan = "default"\nper_minute = 4000000000\nper_hour = 4000000000\n')
    return {
        "HMS_DATA_DIR": str(work),
        "HMS_PORT_OFFSET": str(port - 8080),
        "HMS_WORKERS": "1",
        "HMS_ROUTES": str(routes),
        "HMS_LIMITS": str(limits),
        "HMS_PUBLIC_URL": ISSUER,
        "HMS_CLIENT_SECRET": "bench",
        "AUTH_URL": url,
        "JWT_ALGORITHM": "HS256",
        "JWT_SECRET": SECRET,
        "LOG_FORMAT": "json",
        # Under valgrind on a busy machine the first head takes long.
        "HMS_HEAD_SECONDS": "300",
        "HMS_IDLE_SECONDS": "900",
    }


def measure(work, binaries):
    service, url = serve()
    (port,) = free_ports(1)
    with Program(work, [binaries / "hms-gateway"], settings(work, url, port), port) as gateway:
        ask = Client(port, {"authorization": f"Bearer {token()}", "accept": "application/json"})
        get = gateway.instructions_of(ask, lambda _: ask("GET", "/api/v1/bench", 200))
        body = json.dumps({"filler": "x" * 1008})
        post = gateway.instructions_of(
            ask, lambda _: ask("POST", "/api/v1/bench", 200, body, {"content-type": "application/json"})
        )
    service.shutdown()
    return {"gateway-get-1k": get, "gateway-post-1k": post}
