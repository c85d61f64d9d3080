//! What hostile requests get. The table of this test stands in docs/hostile-requests.md, word for word; a service that keeps
//! every byte proves that nothing of what was hidden in a request arrives.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::{Gateway, Tape};

/// How long a row waits for more answers, once it has one.
const QUIET: Duration = Duration::from_millis(400);
/// How long a row waits for its first answer.
const FIRST: Duration = Duration::from_secs(10);

/// A second request, hidden in the body of a first one.
const HIDDEN: &str = "GET /api/v1/accounts/smuggled HTTP/1.1\r\nHost: hms\r\n\r\n";

/// The same text where it is a body, as it says.
const INNOCENT: &str = "GET /api/v1/accounts/body HTTP/1.1\r\nHost: hms\r\n\r\n";

struct Row {
    what: &'static str,
    bytes: Vec<u8>,
    gets: &'static str,
}

fn row(what: &'static str, gets: &'static str, bytes: impl Into<Vec<u8>>) -> Row {
    Row { what, bytes: bytes.into(), gets }
}

/// A GET with these lines in its head.
fn get(lines: &str) -> String {
    format!("GET /api/v1/patients HTTP/1.1\r\nHost: hms\r\n{lines}\r\n")
}

/// A POST with these lines in its head, and the hidden request as its body.
fn post(lines: &str) -> String {
    post_body(lines, HIDDEN)
}

fn post_body(lines: &str, body: &str) -> String {
    format!("POST /api/v1/patients HTTP/1.1\r\nHost: hms\r\n{lines}\r\n{body}")
}

fn path(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: hms\r\n\r\n")
}

fn framing() -> Vec<Row> {
    let chunked = format!("0\r\n\r\n{HIDDEN}");
    let closed = "400, closed";
    vec![
        row(
            "Content-Length and Transfer-Encoding",
            closed,
            post_body("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", &chunked),
        ),
        row(
            "Transfer-Encoding and Content-Length",
            closed,
            post_body("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", &chunked),
        ),
        row("two different Content-Length", closed, post("Content-Length: 0\r\nContent-Length: 55\r\n")),
        row("two equal Content-Length", closed, post("Content-Length: 0\r\nContent-Length: 0\r\n")),
        row("Content-Length: 0, 55", closed, post("Content-Length: 0, 55\r\n")),
        row("Content-Length: +0", closed, post("Content-Length: +0\r\n")),
        row("Content-Length: -1", closed, post("Content-Length: -1\r\n")),
        row("Content-Length: 0x0", closed, post("Content-Length: 0x0\r\n")),
        row("Content-Length: 5 5", closed, post("Content-Length: 5 5\r\n")),
        row("an empty Content-Length", closed, post("Content-Length: \r\n")),
        row("Content-Length over 64 bits", closed, post("Content-Length: 18446744073709551616\r\n")),
        row("Transfer-Encoding: xchunked", closed, post_body("Transfer-Encoding: xchunked\r\n", &chunked)),
        row(
            "Transfer-Encoding: chunked, identity",
            closed,
            post_body("Transfer-Encoding: chunked, identity\r\n", &chunked),
        ),
        row("Transfer-Encoding: identity", closed, post_body("Transfer-Encoding: identity\r\n", &chunked)),
        row(
            "Transfer-Encoding twice",
            closed,
            post_body("Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n", &chunked),
        ),
        row(
            "Transfer-Encoding with a space before the colon",
            closed,
            post_body("Transfer-Encoding : chunked\r\n", &chunked),
        ),
        row(
            "Transfer-Encoding with a vertical tab",
            closed,
            post_body("Transfer-Encoding: \x0bchunked\r\n", &chunked),
        ),
        row(
            "Transfer-Encoding in HTTP/1.0",
            closed,
            format!(
                "POST /api/v1/patients HTTP/1.0\r\nHost: hms\r\nTransfer-Encoding: chunked\r\n\r\n{chunked}"
            ),
        ),
        row("a folded line (obs-fold)", closed, post_body("Transfer-Encoding:\r\n chunked\r\n", &chunked)),
        row(
            "a line ended by LF alone, with a header of ours behind it",
            "200",
            get("X: 1\nX-HMS-Role: spoofed\r\n"),
        ),
        row("a lone CR in a value", closed, post("X: 1\rContent-Length: 0\r\n")),
        row("NUL in a value", closed, get("X: a\0b\r\n")),
        row("NUL in a name", closed, get("X\0Y: a\r\n")),
        row("a space in a name", closed, get("X Y: a\r\n")),
        row("a line without a colon", closed, get("nonsense\r\n")),
        row(
            "a chunk size over 64 bits",
            "closed",
            post_body("Transfer-Encoding: chunked\r\n", &format!("10000000000000000\r\n{HIDDEN}")),
        ),
        row(
            "a chunk size that is no number",
            "closed",
            post_body("Transfer-Encoding: chunked\r\n", &format!("zz\r\n{HIDDEN}")),
        ),
        row(
            "a negative chunk size",
            "closed",
            post_body("Transfer-Encoding: chunked\r\n", &format!("-1\r\n{HIDDEN}")),
        ),
        row(
            "a chunk longer than its size",
            "closed",
            post_body("Transfer-Encoding: chunked\r\n", &format!("1\r\n{HIDDEN}")),
        ),
        row("no Host", closed, "GET /api/v1/patients HTTP/1.1\r\n\r\n"),
        row("two Host", closed, get("Host: other\r\n")),
        row("HTTP/2 preface on the plain port", closed, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        row("an unknown version", closed, "GET /api/v1/patients HTTP/3.0\r\nHost: hms\r\n\r\n"),
        row("no HTTP at all", closed, "\x16\x03\x01\x02\x00\x01\x00\x01\u{fffd}\r\n\r\n"),
        row(
            "a GET with a body that looks like a request",
            "200",
            get(&format!("Content-Length: {}\r\n", INNOCENT.len())) + INNOCENT,
        ),
    ]
}

fn headers() -> Vec<Row> {
    let long = "x".repeat(40 * 1024);
    let huge = "x".repeat(140 * 1024);
    vec![
        row(
            "Connection: Authorization",
            "400 INVALID_REQUEST",
            get("Connection: Authorization\r\nAuthorization: Bearer x\r\n"),
        ),
        row(
            "Connection: close, If-Match",
            "400 INVALID_REQUEST, closed",
            get("Connection: close, If-Match\r\nIf-Match: \"1\"\r\n"),
        ),
        row(
            "Connection: X-Request-Id, Host, X-Forwarded-For",
            "200",
            get("Connection: X-Request-Id, Host, X-Forwarded-For\r\n"),
        ),
        row("two X-Request-Id", "400 INVALID_REQUEST", get("X-Request-Id: a\r\nX-Request-Id: b\r\n")),
        row(
            "two Authorization",
            "401 UNAUTHENTICATED",
            get("Authorization: Bearer a\r\nAuthorization: Bearer b\r\n"),
        ),
        row(
            "X-HMS-*, X-Forwarded-*, Forwarded, X-Real-IP",
            "200",
            get(
                "X-HMS-Role: spoofed\r\nX-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Host: spoofed\r\nForwarded: for=6.6.6.6\r\nX-Real-IP: 6.6.6.6\r\n",
            ),
        ),
        row(
            "the same with underscores",
            "200",
            get("X_HMS_Role: spoofed\r\nX_Forwarded_For: 6.6.6.6\r\nX_Real_IP: 6.6.6.6\r\n"),
        ),
        row("65 headers", "431 HEADERS_TOO_LARGE", get(&"X-A: 1\r\n".repeat(64))),
        row("97 headers", "431, closed", get(&"X-A: 1\r\n".repeat(96))),
        row("40 KiB of headers", "431 HEADERS_TOO_LARGE", get(&format!("X-A: {long}\r\n"))),
        row("140 KiB of headers", "431, closed", get(&format!("X-A: {huge}\r\n"))),
        row("a path of 40 KiB", "414 URI_TOO_LONG", path(&format!("/api/v1/patients/{long}"))),
        row("a body announced as 2 GiB", "413 PAYLOAD_TOO_LARGE", post("Content-Length: 2147483648\r\n")),
        row(
            "CONNECT",
            "405 METHOD_NOT_ALLOWED",
            "CONNECT elsewhere.example:443 HTTP/1.1\r\nHost: elsewhere.example:443\r\n\r\n",
        ),
        row("TRACE", "405 METHOD_NOT_ALLOWED", "TRACE /api/v1/patients HTTP/1.1\r\nHost: hms\r\n\r\n"),
        row(
            "a preflight of an unknown origin",
            "403 FORBIDDEN",
            "OPTIONS /api/v1/patients HTTP/1.1\r\nHost: hms\r\nOrigin: https://evil.example\r\nAccess-Control-Request-Method: GET\r\n\r\n",
        ),
    ]
}

fn paths() -> Vec<Row> {
    let refused = "400 INVALID_PATH";
    vec![
        row("/../", refused, path("/api/v1/patients/../accounts/smuggled")),
        row("%2e%2e", refused, path("/api/v1/patients/%2e%2e/accounts/smuggled")),
        row("%2f", refused, path("/api/v1/patients%2f..%2faccounts/smuggled")),
        row("%5c", refused, path("/api/v1/patients%5c..%5caccounts")),
        row("%252e (encoded twice)", refused, path("/api/v1/patients/%252e%252e/accounts")),
        row("%c0%af (overlong UTF-8)", refused, path("/api/v1/patients/%c0%af..%c0%afaccounts")),
        row("%ff", refused, path("/api/v1/patients/%ff")),
        row("%00", refused, path("/api/v1/patients/7%00.json")),
        row("%0d%0a", refused, path("/api/v1/patients/7%0d%0aX-HMS-Role:spoofed")),
        row("%u002e", refused, path("/api/v1/patients/%u002e")),
        row("//", refused, path("//api/v1/patients")),
        row("a backslash", refused, path("/api/v1/patients\\..\\accounts")),
        row(";params at the resource", "404 ROUTE_NOT_FOUND", path("/api/v1/patients;x=1")),
        row("..; (a dot segment to some servers)", refused, path("/api/v1/patients/..;/accounts/smuggled")),
        row("* without OPTIONS", refused, "GET * HTTP/1.1\r\nHost: hms\r\n\r\n"),
        row("OPTIONS *", refused, "OPTIONS * HTTP/1.1\r\nHost: hms\r\n\r\n"),
        row(
            "an absolute form with another authority",
            "200",
            "GET http://elsewhere.example/api/v1/patients HTTP/1.1\r\nHost: hms\r\n\r\n",
        ),
        row("a fragment", "200", path("/api/v1/patients#/../accounts")),
        row(
            "a raw byte over 127",
            "400, closed",
            b"GET /api/v1/patients/\xff HTTP/1.1\r\nHost: hms\r\n\r\n".to_vec(),
        ),
    ]
}

/// What comes back: the status and code of each answer, and whether the connection was closed.
async fn gets(address: &str, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The other side may close before it has read everything.
    let _closed = stream.write_all(bytes).await;
    let mut read = Vec::new();
    let mut buffer = [0; 16 * 1024];
    let mut closed = false;
    let mut patience = FIRST;
    while let Ok(count) = timeout(patience, stream.read(&mut buffer)).await {
        match count {
            Ok(count @ 1..) => read.extend_from_slice(&buffer[..count]),
            _ => {
                closed = true;
                break;
            }
        }
        patience = QUIET;
    }
    let text = String::from_utf8_lossy(&read);
    let mut got: Vec<_> = text.split("HTTP/1.1 ").skip(1).map(summary).collect();
    if closed {
        got.push("closed".to_owned());
    }
    got.join(", ")
}

fn summary(answer: &str) -> String {
    let status = answer.get(..3).unwrap_or_default();
    let code = answer.split("\"code\":\"").nth(1).and_then(|rest| rest.split('"').next());
    code.map_or_else(|| status.to_owned(), |code| format!("{status} {code}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_requests_get_what_the_table_says_and_nothing_hidden_arrives() {
    let tape = Tape::start().await;
    let gateway = Gateway::before(&tape.address).await;
    let address = gateway.address();
    let rows: Vec<_> = [framing(), headers(), paths()].into_iter().flatten().collect();
    let got = join_all(rows.iter().map(|row| gets(&address, &row.bytes))).await;
    let table: Vec<_> = rows.iter().zip(&got).map(|(row, got)| format!("| {} | {got} |", row.what)).collect();
    println!("{}", table.join("\n"));
    let wrong: Vec<_> = rows
        .iter()
        .zip(&got)
        .filter(|(row, got)| *got != row.gets)
        .map(|(row, got)| format!("{}: {} instead of {}", row.what, got, row.gets))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let arrived = tape.text();
    for hidden in ["smuggled", "spoofed", "6.6.6.6", "elsewhere", "evil"] {
        assert!(!arrived.contains(hidden), "{hidden}:\n{arrived}");
    }
    // The rows that get 200, and no request more.
    let served = rows.iter().filter(|row| row.gets == "200").count();
    assert_eq!(arrived.matches(" /api/v1/").count(), served + 1, "one is a body's text:\n{arrived}");
    let page = include_str!("../../../docs/hostile-requests.md");
    let missing: Vec<_> = table.iter().filter(|line| !page.contains(line.as_str())).collect();
    assert!(missing.is_empty(), "not in docs/hostile-requests.md: {missing:#?}");
}
