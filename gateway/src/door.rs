//! The way from a connection to the phases: actix's HTTP over the stream of a client, plain or encrypted. It is put
//! together here and not by actix-web, since every stream is watched, and the API needs none of its routing.

use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_http::error::DispatchError;
use actix_http::{HttpService, KeepAlive, Protocol, Request};
use actix_server::GracefulShutdownSignal;
use actix_service::{ServiceFactory, ServiceFactoryExt as _, fn_factory, fn_service};
use actix_tls::accept::TlsError;
use actix_tls::accept::rustls_0_23::{Acceptor, TlsStream};
use actix_web::web::Data;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use crate::connections::{Connections, Watched};
use crate::own;
use crate::phases;
use crate::server::{Gateway, Shared};

/// How long a closed connection may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(2);
const HTTP2: &[u8] = b"h2";

/// What the workers open their connections with.
#[derive(Clone)]
pub struct Door {
    pub shared: Arc<Shared>,
    pub connections: Arc<Connections>,
    /// Cancelled when the gateway stops.
    pub ending: CancellationToken,
    /// By which actix tells its connections to end.
    pub stopping: GracefulShutdownSignal,
}

/// Lets clients choose between HTTP/2 and HTTP/1.1 (RFC 7301).
pub fn alpn(mut config: ServerConfig) -> ServerConfig {
    config.alpn_protocols = vec![HTTP2.to_vec(), b"http/1.1".to_vec()];
    config
}

impl Door {
    /// Serves connections as they are.
    pub fn plain(
        self,
    ) -> impl ServiceFactory<TcpStream, Config = (), Response = (), Error = DispatchError, InitError = ()>
    {
        let connections = Arc::clone(&self.connections);
        let watched = fn_service(move |stream: TcpStream| {
            let connection = connections.admit(&stream);
            let peer = stream.peer_addr().ok();
            async move { Ok((Watched::new(stream, connection), Protocol::Http1, peer)) }
        });
        watched.and_then(self.http(false))
    }

    /// Serves connections over TLS.
    pub fn encrypted(
        self,
        config: ServerConfig,
    ) -> impl ServiceFactory<
        TcpStream,
        Config = (),
        Response = (),
        Error = TlsError<io::Error, DispatchError>,
        InitError = (),
    > {
        let (connections, ending) = (Arc::clone(&self.connections), self.ending.clone());
        let mut acceptor = Acceptor::new(config);
        acceptor.set_handshake_timeout(self.shared.edge.clients.head);
        let watched = move |stream: TlsStream<TcpStream>| {
            let (socket, session) = stream.get_ref();
            let (connection, peer) = (connections.admit(socket), socket.peer_addr().ok());
            let watched = match session.alpn_protocol() {
                Some(HTTP2) => (Watched::http2(stream, connection, ending.clone()), Protocol::Http2, peer),
                _ => (Watched::new(stream, connection), Protocol::Http1, peer),
            };
            async move { Ok(watched) }
        };
        acceptor
            .map_init_err(|_| ())
            .map_err(TlsError::into_service_error)
            .and_then(fn_service(watched))
            .and_then(self.http(true).map_err(TlsError::Service))
    }

    /// HTTP over streams that are watched. What actix would do for idle connections, they do themselves.
    fn http<T: AsyncRead + AsyncWrite + Unpin + 'static>(
        self,
        secure: bool,
    ) -> impl ServiceFactory<
        (Watched<T>, Protocol, Option<std::net::SocketAddr>),
        Config = (),
        Response = (),
        Error = DispatchError,
        InitError = (),
    > {
        let (stopping, clients) = (self.stopping.clone(), self.shared.edge.clients);
        let answer = fn_factory(move || {
            let gateway = Data::new(Gateway::new(&self.shared, self.ending.clone()));
            async move {
                let own = own::pages(Data::clone(&gateway)).await?;
                Ok::<_, ()>(fn_service(move |request: Request| {
                    phases::run(Data::clone(&gateway), own.clone(), secure, request)
                }))
            }
        });
        HttpService::build()
            .graceful_shutdown_signal(move || {
                let stopping = stopping.clone();
                async move { stopping.notified().await }
            })
            .keep_alive(KeepAlive::Os)
            .client_request_timeout(clients.head)
            .client_disconnect_timeout(GOODBYE)
            .on_connect_ext(|stream: &Watched<T>, extensions| {
                extensions.insert(Rc::clone(stream.connection()));
            })
            .finish(answer)
    }
}
