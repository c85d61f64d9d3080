"""Signs in to HMS as any OpenID Connect client does: all it knows is the issuer and what it was registered with."""

import os
import secrets
import sys
from html.parser import HTMLParser
from urllib.parse import parse_qs, urljoin, urlsplit

import requests
from authlib.common.security import generate_token
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.jwk import KeySet

ISSUER = os.environ["HMS_ISSUER"]
SCOPE = "openid profile email offline_access patient:read"
REDIRECT_URI = "http://127.0.0.1:51004/callback"


class Page(HTMLParser):
    """The form of the sign-in page."""

    def __init__(self, html):
        super().__init__()
        self.action, self.fields = None, {}
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "form":
            self.action = attrs["action"]
        if tag == "input" and attrs.get("type") == "hidden":
            self.fields[attrs["name"]] = attrs["value"]
        assert tag != "script", "the page has no script"


def check(what, condition):
    print(("ok   " if condition else "FAIL ") + what)
    if not condition:
        sys.exit(1)


def person_allows(url):
    """What a browser does: opens the page, signs in, and is sent back."""
    browser = requests.Session()
    page = browser.get(url, headers={"accept": "text/html"})
    check("the page is shown", page.status_code == 200 and "default-src 'none'" in page.headers["content-security-policy"])
    form = Page(page.text)
    answer = dict(form.fields, username=os.environ["HMS_USERNAME"], password=os.environ["HMS_PASSWORD"], decision="allow")
    sent = browser.post(urljoin(url, form.action), data=answer, allow_redirects=False)
    check("the browser is sent back", sent.status_code == 303 and sent.headers["location"].startswith(REDIRECT_URI))
    query = parse_qs(urlsplit(sent.headers["location"]).query)
    check("the issuer says that it was it (RFC 9207)", query["iss"] == [ISSUER])
    return sent.headers["location"]


def keys(server):
    return KeySet.import_key_set(requests.get(server["jwks_uri"]).json())


def check_id_token(server, token, client_id, nonce):
    decoded = jwt.decode(token["id_token"], keys(server), algorithms=server["id_token_signing_alg_values_supported"])
    options = {"iss": {"values": [server["issuer"]]}, "aud": {"values": [client_id]}}
    params = {"client_id": client_id, "access_token": token["access_token"]}
    if nonce:
        params["nonce"] = nonce
    claims = CodeIDToken(decoded.claims, decoded.header, options, params)
    claims.validate()
    return decoded.claims


def code_flow(server, client_id, client_secret):
    method = "client_secret_basic" if client_secret else "none"
    client = OAuth2Session(
        client_id, client_secret, scope=SCOPE, redirect_uri=REDIRECT_URI,
        token_endpoint_auth_method=method, revocation_endpoint_auth_method=method, code_challenge_method="S256",
    )
    verifier, nonce = generate_token(64), secrets.token_urlsafe(16)
    url, state = client.create_authorization_url(server["authorization_endpoint"], code_verifier=verifier, nonce=nonce)
    location = person_allows(url)
    token = client.fetch_token(
        server["token_endpoint"], authorization_response=location, state=state, code_verifier=verifier)
    claims = check_id_token(server, token, client_id, nonce)
    check("the ID token is good, by discovery and the published keys", claims["preferred_username"] == os.environ["HMS_USERNAME"])
    access = jwt.decode(token["access_token"], keys(server), algorithms=["EdDSA"])
    check("the access token names its issuer (RFC 9068)", access.claims["iss"] == ISSUER and access.header["typ"] == "at+jwt")
    info = client.get(server["userinfo_endpoint"]).json()
    check("userinfo is of the same person", info["sub"] == claims["sub"] and "@" in info["email"])
    check("the API takes the token", client.get(ISSUER + "/api/v1/patients").status_code == 200)
    check("and does not take it for more", client.get(ISSUER + "/api/v1/accounts").status_code == 403)
    try:
        client.fetch_token(server["token_endpoint"], authorization_response=location, state=state, code_verifier=verifier)
        check("a code is good once", False)
    except OAuthError as error:
        check("a code is good once", error.error == "invalid_grant")
    return client


def refresh_and_revoke(server, client_id, client_secret):
    """With a grant of its own, since the code of the first was shown twice."""
    method = "client_secret_basic" if client_secret else "none"
    client = OAuth2Session(
        client_id, client_secret, scope=SCOPE, redirect_uri=REDIRECT_URI,
        token_endpoint_auth_method=method, revocation_endpoint_auth_method=method, code_challenge_method="S256",
    )
    verifier, nonce = generate_token(64), secrets.token_urlsafe(16)
    url, state = client.create_authorization_url(server["authorization_endpoint"], code_verifier=verifier, nonce=nonce)
    first = dict(client.fetch_token(
        server["token_endpoint"], authorization_response=person_allows(url), state=state, code_verifier=verifier))
    second = dict(client.refresh_token(server["token_endpoint"], refresh_token=first["refresh_token"]))
    check("the refresh token rotates", second["refresh_token"] != first["refresh_token"])
    check("the token is refreshed", second["access_token"] != first["access_token"])
    check("with an ID token that is good", check_id_token(server, second, client_id, None)["sub"])
    check("the API takes the new one", client.get(ISSUER + "/api/v1/patients").status_code == 200)
    revoked = client.revoke_token(server["revocation_endpoint"], token=second["refresh_token"])
    check("it is revoked", revoked.status_code == 200)
    try:
        client.refresh_token(server["token_endpoint"], refresh_token=second["refresh_token"])
        check("and refreshed no more", False)
    except OAuthError as error:
        check("and refreshed no more", error.error == "invalid_grant")
    if client_secret:
        told = client.introspect_token(server["introspection_endpoint"], token=second["access_token"]).json()
        check("the server says so", told == {"active": False})


def client_credentials(server, client_id, client_secret):
    client = OAuth2Session(client_id, client_secret, scope="patient:read")
    token = client.fetch_token(server["token_endpoint"], grant_type="client_credentials")
    check("a machine gets a token for itself", token["scope"] == "patient:read" and "refresh_token" not in token)
    check("the API takes it", client.get(ISSUER + "/api/v1/patients").status_code == 200)
    try:
        OAuth2Session(client_id, "wrong").fetch_token(server["token_endpoint"], grant_type="client_credentials")
        check("not with a wrong secret", False)
    except OAuthError as error:
        check("not with a wrong secret", error.error == "invalid_client")


def main():
    server = requests.get(ISSUER + "/.well-known/openid-configuration").json()
    check("discovery names the issuer", server["issuer"] == ISSUER)
    oauth = requests.get(ISSUER + "/.well-known/oauth-authorization-server").json()
    check("so does the metadata of OAuth (RFC 8414)", oauth["token_endpoint"] == server["token_endpoint"])
    confidential = os.environ["CLIENT_ID"], os.environ["CLIENT_SECRET"]
    public = os.environ["PUBLIC_CLIENT_ID"], None
    for client in (confidential, public):
        code_flow(server, *client)
        refresh_and_revoke(server, *client)
    client_credentials(server, *confidential)
    print("all is well")


main()
