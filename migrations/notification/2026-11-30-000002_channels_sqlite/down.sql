ALTER TABLE messages RENAME TO messages_after;
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
  CONSTRAINT messages_event_id_kind_key UNIQUE (event_id, kind)
);
INSERT INTO messages
  SELECT id, version, event_id, kind, channel, status, patient_id, facts, subject, recipient, body, attempts, due_at, created_at, sent_at, error FROM messages_after
  WHERE channel = 'email' AND occasion = '';
DROP TABLE messages_after;
CREATE INDEX messages_patient_id_id_idx ON messages (patient_id, id);
CREATE INDEX messages_created_at_id_idx ON messages (created_at, id);
CREATE INDEX messages_due_at_idx ON messages (due_at) WHERE status = 'pending';
