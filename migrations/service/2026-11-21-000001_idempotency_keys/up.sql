-- The first answer to each request that carried an Idempotency-Key, written in the transaction of its effect.
-- status and body are null only within that transaction.
CREATE TABLE idempotency_keys (
  caller TEXT NOT NULL,
  operation TEXT NOT NULL,
  idempotency_key TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  status BIGINT,
  answer JSONB,
  created_at TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (caller, operation, idempotency_key)
);
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);
