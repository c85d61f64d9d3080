//! Whether the process on this machine answers, asked by its own program: an image without a shell has no other.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

const DEADLINE: Duration = Duration::from_secs(2);

/// Asks `/health` of who listens at `address`; where that is every address, at loopback. An error is any answer but
/// 200, or none within two seconds.
pub fn healthcheck(address: SocketAddr) -> io::Result<()> {
    let host = if address.ip().is_unspecified() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { address.ip() };
    let mut stream = TcpStream::connect_timeout(&SocketAddr::new(host, address.port()), DEADLINE)?;
    stream.set_read_timeout(Some(DEADLINE))?;
    stream.set_write_timeout(Some(DEADLINE))?;
    stream.write_all(b"GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
    let mut status = [0; 12];
    stream.read_exact(&mut status)?;
    match &status {
        b"HTTP/1.1 200" => Ok(()),
        other => Err(io::Error::other(format!("unhealthy: {}", String::from_utf8_lossy(other)))),
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    fn against(answer: &'static str) -> io::Result<()> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 512];
            let length = stream.read(&mut request).unwrap();
            assert!(request.get(..length).unwrap().starts_with(b"GET /health HTTP/1.1\r\n"));
            stream.write_all(answer.as_bytes()).unwrap();
        });
        let outcome = healthcheck(SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port));
        server.join().unwrap();
        outcome
    }

    #[test]
    fn only_200_is_healthy() {
        assert!(against("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").is_ok());
        assert!(against("HTTP/1.1 503 Service Unavailable\r\n\r\n").is_err());
        assert!(against("HTTP").is_err());
    }

    #[test]
    fn nobody_there_is_an_error() {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        assert!(healthcheck(SocketAddr::from(([127, 0, 0, 1], port))).is_err());
    }
}
