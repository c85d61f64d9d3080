//! RabbitMQ for one test: names of its own, deleted afterwards, and a way to it that can be cut.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::StreamExt;
use hms_bus::Transport;
use hms_model::id::Id;
use hms_model::job::work_queues;
use hms_model::service::SERVICES;
use hms_model::{Clock, Secret};
use hms_settings::Settings;
use lapin::options::{
    BasicCancelOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions, BasicRejectOptions,
    ConfirmSelectOptions, ExchangeDeleteOptions, QueueDeclareOptions, QueueDeleteOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties, ExchangeKind};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::until;

/// How long to wait for what the broker does.
const SECONDS: u64 = 60;

/// Names of one's own in the broker of the tests (`HMS_TEST_AMQP_URL`).
pub struct TestBroker {
    url: String,
    /// The first part of all names.
    pub prefix: String,
    /// The way to it.
    pub line: Arc<Line>,
}

/// A TCP proxy in front of the broker.
pub struct Line {
    address: std::sync::OnceLock<String>,
    open: AtomicBool,
    cuts: watch::Sender<u64>,
}

impl TestBroker {
    /// Names that nobody else has.
    #[expect(clippy::new_without_default, reason = "a new one each time is the point")]
    pub fn new() -> Self {
        let url = Settings::from_environment()
            .get("HMS_TEST_AMQP_URL")
            .unwrap_or_else(|| "amqp://guest:guest@127.0.0.1:55672/%2f".into());
        let prefix = format!("t{}", Id::<()>::new(Clock::system().now()).uuid().simple());
        let (cuts, _) = watch::channel(0);
        let line = Arc::new(Line { address: std::sync::OnceLock::new(), open: AtomicBool::new(true), cuts });
        Self { url, prefix, line }
    }

    /// What a service is told of it.
    pub fn settings(&self) -> [(&'static str, String); 2] {
        [("AMQP_URL", self.address()), ("HMS_BUS_PREFIX", self.prefix.clone())]
    }

    /// How messages get there, for a bus alone.
    pub fn transport(&self) -> Transport {
        Transport::Amqp { url: Secret::new(self.address()), prefix: self.prefix.clone() }
    }

    /// Through the proxy where one is laid, otherwise straight.
    fn address(&self) -> String {
        match self.line.address.get() {
            Some(address) => self.url.replace(&target(&self.url), address),
            None => self.url.clone(),
        }
    }

    /// How many messages wait in a queue and are in nobody's hands; none when there is no such queue.
    pub async fn depth(&self, queue: &str) -> Option<u32> {
        let (_connection, channel) = self.channel().await;
        let (name, options) = (self.queue(queue), QueueDeclareOptions::durable().passive());
        let found = channel.queue_declare(name.as_str().into(), options, FieldTable::default()).await;
        found.ok().map(|queue| queue.message_count())
    }

    /// Begins to take the messages of a queue, before anybody else does.
    pub async fn intercept(&self, queue: &str) -> Intercepted {
        let (connection, channel) = self.channel().await;
        channel.basic_qos(1, BasicQosOptions::default()).await.unwrap();
        let mut first = FieldTable::default();
        first.insert("x-priority".into(), AMQPValue::LongInt(10));
        let (name, options) = (self.queue(queue), BasicConsumeOptions::default());
        let messages = channel.basic_consume(name.as_str().into(), "".into(), options, first).await.unwrap();
        Intercepted { _connection: connection, messages }
    }

    /// Lays a proxy between the services started from now on and the broker.
    pub async fn lay_line(&self) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        self.line.address.set(listener.local_addr().unwrap().to_string()).unwrap();
        let (line, target) = (Arc::clone(&self.line), target(&self.url));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if line.open.load(Ordering::SeqCst) {
                    tokio::spawn(carry(client, target.clone(), line.cuts.subscribe()));
                }
            }
        });
    }

    /// A connection past the proxy, and a channel of it that confirms.
    pub async fn channel(&self) -> (Connection, Channel) {
        let connection = Connection::connect(&self.url, ConnectionProperties::default()).await.unwrap();
        let channel = connection.create_channel().await.unwrap();
        channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
        (connection, channel)
    }

    /// The queue of a service, or of jobs.
    pub fn queue(&self, service: &str) -> String {
        format!("{}.{service}", self.prefix)
    }

    /// Waits until a service consumes.
    pub async fn await_queue(&self, service: &str) {
        let name = self.queue(service);
        let (_connection, _) = self.channel().await;
        until("the consumer's queue", SECONDS, async || {
            // A passive declaration of a queue that is not there ends the channel.
            let channel = _connection.create_channel().await.unwrap();
            let options = QueueDeclareOptions::durable().passive();
            let queue = channel.queue_declare(name.as_str().into(), options, FieldTable::default()).await;
            queue.ok().filter(|queue| queue.consumer_count() > 0)
        })
        .await;
    }

    /// Sends a message to the exchange of all events, whatever is in it.
    pub async fn send(&self, key: &str, body: &[u8]) {
        let (_connection, channel) = self.channel().await;
        let exchange = format!("{}.events", self.prefix);
        let options = BasicPublishOptions { mandatory: true, ..Default::default() };
        let confirm = channel
            .basic_publish(exchange.as_str().into(), key.into(), options, body, BasicProperties::default())
            .await
            .unwrap();
        assert!(confirm.await.unwrap().take_message().is_none(), "no queue for {key}");
    }

    /// Puts a message into a queue, whatever is in it.
    pub async fn put(&self, queue: &str, body: &[u8]) {
        let (_connection, channel) = self.channel().await;
        let (name, options) =
            (self.queue(queue), BasicPublishOptions { mandatory: true, ..Default::default() });
        let properties = BasicProperties::default();
        let confirm =
            channel.basic_publish("".into(), name.as_str().into(), options, body, properties).await.unwrap();
        assert!(confirm.await.unwrap().take_message().is_none(), "no queue {name}");
    }

    /// Makes the broker itself give up the next message of a service's queue.
    pub async fn reject_next(&self, service: &str) {
        let (_connection, channel) = self.channel().await;
        channel.basic_qos(1, BasicQosOptions::default()).await.unwrap();
        let (queue, options) = (self.queue(service), BasicConsumeOptions::default());
        let mut messages = channel
            .basic_consume(queue.as_str().into(), "".into(), options, FieldTable::default())
            .await
            .unwrap();
        let message = messages.next().await.unwrap().unwrap();
        channel.basic_cancel(messages.tag(), BasicCancelOptions::default()).await.unwrap();
        message.reject(BasicRejectOptions { requeue: false }).await.unwrap();
    }

    /// Makes a queue of ours as something else.
    pub async fn occupy(&self, service: &str) {
        let (_connection, channel) = self.channel().await;
        let mut arguments = FieldTable::default();
        arguments.insert("x-queue-type".into(), AMQPValue::LongString("classic".into()));
        let options = QueueDeclareOptions::durable();
        channel.queue_declare(self.queue(service).as_str().into(), options, arguments).await.unwrap();
    }

    /// Makes the exchange of all events, with no queue behind it.
    pub async fn declare_exchange(&self) {
        let (_connection, channel) = self.channel().await;
        let name = format!("{}.events", self.prefix);
        let options = lapin::options::ExchangeDeclareOptions { durable: true, ..Default::default() };
        let arguments = FieldTable::default();
        channel
            .exchange_declare(name.as_str().into(), ExchangeKind::Topic, options, arguments)
            .await
            .unwrap();
    }

    async fn delete_all(url: String, prefix: String) {
        let Ok(connection) = Connection::connect(&url, ConnectionProperties::default()).await else { return };
        let Ok(channel) = connection.create_channel().await else { return };
        let own = SERVICES
            .iter()
            .flat_map(|service| ["", ".retry", ".dead"].map(|end| format!("{}{end}", service.name)));
        for queue in own.chain(work_queues().iter().map(|queue| queue.name.to_owned())) {
            let queue = format!("{prefix}.{queue}");
            let _ = channel.queue_delete(queue.as_str().into(), QueueDeleteOptions::default()).await;
        }
        for exchange in ["events", "dead"].map(|name| format!("{prefix}.{name}")) {
            let _ = channel.exchange_delete(exchange.as_str().into(), ExchangeDeleteOptions::default()).await;
        }
    }
}

/// The messages of a queue that the test has taken; they go back when this is dropped.
pub struct Intercepted {
    _connection: Connection,
    messages: lapin::Consumer,
}

impl Intercepted {
    /// The body of the next one.
    pub async fn next(&mut self) -> Vec<u8> {
        self.messages.next().await.unwrap().unwrap().data
    }
}

impl Line {
    /// Ends all connections through the proxy.
    pub fn cut(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// Ends all, and refuses new ones until it is opened again.
    pub fn close(&self) {
        self.open.store(false, Ordering::SeqCst);
        self.cut();
    }

    /// Lets new ones through again.
    pub fn open(&self) {
        self.open.store(true, Ordering::SeqCst);
    }
}

impl Drop for TestBroker {
    /// On a runtime of its own: that of the test may be on its way out.
    fn drop(&mut self) {
        let (url, prefix) = (self.url.clone(), self.prefix.clone());
        let cleaning = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(Self::delete_all(url, prefix));
        });
        let _ = cleaning.join();
    }
}

async fn carry(mut client: TcpStream, target: String, mut cuts: watch::Receiver<u64>) {
    let Ok(mut broker) = TcpStream::connect(target).await else { return };
    tokio::select! {
        _ = tokio::io::copy_bidirectional(&mut client, &mut broker) => {}
        _ = cuts.changed() => {}
    }
}

/// `host:port` of an AMQP URL.
fn target(url: &str) -> String {
    let rest = url.split_once("://").unwrap().1;
    let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
    rest.split('/').next().unwrap().to_owned()
}
