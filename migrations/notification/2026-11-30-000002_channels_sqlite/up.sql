-- An event notifies once by each way, and a reminder once for each of its times. SQLite changes no constraint in place.
ALTER TABLE messages RENAME TO messages_before;
CREATE TABLE messages (
  id UUID PRIMARY KEY,
  version BIGINT NOT NULL,
  event_id UUID NOT NULL,
  kind TEXT NOT NULL,
  channel TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('pending', 'sent', 'failed', 'skipped')),
  patient_id UUID NOT NULL,
  facts JSONB NOT NULL,
  subject TEXT NOT NULL,
  recipient TEXT,
  body TEXT,
  attempts BIGINT NOT NULL,
  due_at TIMESTAMPTZ NOT NULL,
  created_at TIMESTAMPTZ NOT NULL,
  sent_at TIMESTAMPTZ,
  error TEXT,
  occasion TEXT NOT NULL DEFAULT '',
  -- 0 before 1 before 2.
  lane BIGINT NOT NULL DEFAULT 1,
  appointment_id UUID,
  expires_at TIMESTAMPTZ,
  read_at TIMESTAMPTZ,
  CONSTRAINT messages_event_id_kind_channel_occasion_key UNIQUE (event_id, kind, channel, occasion)
);
INSERT INTO messages (id, version, event_id, kind, channel, status, patient_id, facts, subject, recipient, body, attempts, due_at, created_at, sent_at, error)
  SELECT id, version, event_id, kind, channel, status, patient_id, facts, subject, recipient, body, attempts, due_at, created_at, sent_at, error FROM messages_before;
DROP TABLE messages_before;
CREATE INDEX messages_patient_id_id_idx ON messages (patient_id, id);
CREATE INDEX messages_created_at_id_idx ON messages (created_at, id);
CREATE INDEX messages_due_idx ON messages (channel, lane, due_at) WHERE status = 'pending';
CREATE INDEX messages_appointment_id_idx ON messages (appointment_id) WHERE status = 'pending';
