-- What a next version might bring: a column that may be empty, one with a default, a table with an index.
ALTER TABLE idempotency_keys ADD COLUMN next_note TEXT;
ALTER TABLE outbox ADD COLUMN next_lane BIGINT NOT NULL DEFAULT 0;
CREATE TABLE next_things (
  id UUID PRIMARY KEY,
  name TEXT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX next_things_created_at_idx ON next_things (created_at, id);
