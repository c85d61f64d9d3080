-- Messages to patients. A row is written in the transaction that takes the event, and sent after it.
CREATE TABLE messages (
  id UUID PRIMARY KEY,
  version BIGINT NOT NULL,
  event_id UUID NOT NULL,
  kind TEXT NOT NULL,
  channel TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('pending', 'sent', 'failed', 'skipped')),
  patient_id UUID NOT NULL,
  -- What the text is made of.
  facts JSONB NOT NULL,
  subject TEXT NOT NULL,
  -- Both null until it is known who the patient is.
  recipient TEXT,
  body TEXT,
  attempts BIGINT NOT NULL,
  -- When a pending message is to be looked at next. Whoever is sending it has put this off for as long as it may
  -- take, so that nobody else sends it meanwhile, and that it is sent again if they are gone.
  due_at TIMESTAMPTZ NOT NULL,
  created_at TIMESTAMPTZ NOT NULL,
  sent_at TIMESTAMPTZ,
  error TEXT,
  -- The same event never notifies twice.
  CONSTRAINT messages_event_id_kind_key UNIQUE (event_id, kind)
);
CREATE INDEX messages_patient_id_id_idx ON messages (patient_id, id);
CREATE INDEX messages_created_at_id_idx ON messages (created_at, id);
CREATE INDEX messages_due_at_idx ON messages (due_at) WHERE status = 'pending';
