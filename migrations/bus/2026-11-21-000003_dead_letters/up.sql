-- Events that this service could not take. Over RabbitMQ they come here by way of `<prefix>.<service>.dead`.
CREATE TABLE dead_letters (
  event_id UUID PRIMARY KEY,
  kind TEXT NOT NULL,
  subject TEXT NOT NULL,
  body TEXT NOT NULL,
  reason TEXT NOT NULL,
  attempts BIGINT NOT NULL,
  died_at TIMESTAMPTZ NOT NULL
);
