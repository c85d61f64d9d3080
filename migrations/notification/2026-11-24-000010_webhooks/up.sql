-- Where events go, which, and how it fares.
CREATE TABLE webhooks (
  id UUID PRIMARY KEY,
  version BIGINT NOT NULL,
  url TEXT NOT NULL,
  description TEXT,
  events JSONB NOT NULL,
  department_id UUID,
  signing TEXT NOT NULL CHECK (signing IN ('v1', 'v1a')),
  -- Keys are sealed with a key that is not in the database.
  sealed_key TEXT NOT NULL,
  -- The key before that one, and until when deliveries are signed with it too.
  previous_key TEXT,
  previous_until TIMESTAMPTZ,
  public_key TEXT,
  contact_email TEXT,
  account_id UUID NOT NULL,
  -- Both null while it is on.
  disabled_reason TEXT CHECK (disabled_reason IN ('by_hand', 'gone', 'failing')),
  disabled_at TIMESTAMPTZ,
  failing_since TIMESTAMPTZ,
  created_at TIMESTAMPTZ NOT NULL,
  updated_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX webhooks_created_at_id_idx ON webhooks (created_at, id);
-- Events on their way. A row is written in the transaction that takes the event, and sent after it.
CREATE TABLE webhook_deliveries (
  id UUID PRIMARY KEY,
  version BIGINT NOT NULL,
  webhook_id UUID NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
  event_id UUID NOT NULL,
  event_type TEXT NOT NULL,
  -- What is signed and sent, byte by byte.
  payload TEXT NOT NULL,
  patient_id UUID,
  status TEXT NOT NULL CHECK (status IN ('pending', 'delivered', 'failed')),
  step BIGINT NOT NULL,
  attempts BIGINT NOT NULL,
  -- When a pending one is to be looked at next. Whoever is sending it has put this off for as long as that may take, so
  -- that nobody else sends it meanwhile, and that it is sent again if they are gone.
  due_at TIMESTAMPTZ NOT NULL,
  created_at TIMESTAMPTZ NOT NULL,
  ended_at TIMESTAMPTZ,
  last_status BIGINT,
  error TEXT,
  -- The same event goes to a webhook once.
  CONSTRAINT webhook_deliveries_webhook_id_event_id_key UNIQUE (webhook_id, event_id)
);
CREATE INDEX webhook_deliveries_due_idx ON webhook_deliveries (webhook_id, due_at, id) WHERE status = 'pending';
CREATE INDEX webhook_deliveries_next_idx ON webhook_deliveries (due_at) WHERE status = 'pending';
CREATE INDEX webhook_deliveries_failed_idx ON webhook_deliveries (webhook_id, created_at) WHERE status = 'failed';
CREATE INDEX webhook_deliveries_webhook_id_id_idx ON webhook_deliveries (webhook_id, id);
CREATE INDEX webhook_deliveries_ended_at_idx ON webhook_deliveries (ended_at) WHERE status <> 'pending';
-- What was asked and what was answered.
CREATE TABLE webhook_attempts (
  id UUID PRIMARY KEY,
  delivery_id UUID NOT NULL REFERENCES webhook_deliveries (id) ON DELETE CASCADE,
  number BIGINT NOT NULL,
  url TEXT NOT NULL,
  at TIMESTAMPTZ NOT NULL,
  took_ms BIGINT NOT NULL,
  status BIGINT,
  body TEXT,
  error TEXT
);
CREATE INDEX webhook_attempts_delivery_id_idx ON webhook_attempts (delivery_id, number);
