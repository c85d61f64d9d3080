-- Appointments as the newest event told of them: what is older tells nobody anything.
CREATE TABLE appointments (
  id UUID PRIMARY KEY,
  version BIGINT NOT NULL,
  start_at TIMESTAMPTZ NOT NULL,
  facts JSONB NOT NULL
);
CREATE INDEX appointments_start_at_idx ON appointments (start_at);
-- Reminders that are to come. One that is due becomes a message in the transaction that takes it away.
CREATE TABLE reminders (
  appointment_id UUID NOT NULL REFERENCES appointments (id) ON DELETE CASCADE,
  -- How many minutes before the appointment.
  lead BIGINT NOT NULL,
  due_at TIMESTAMPTZ NOT NULL,
  event_id UUID NOT NULL,
  PRIMARY KEY (appointment_id, lead)
);
CREATE INDEX reminders_due_at_idx ON reminders (due_at);
-- What was tried to send a message, and what came of it.
CREATE TABLE message_attempts (
  id UUID PRIMARY KEY,
  message_id UUID NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
  number BIGINT NOT NULL,
  at TIMESTAMPTZ NOT NULL,
  took_ms BIGINT NOT NULL,
  outcome TEXT NOT NULL CHECK (outcome IN ('sent', 'later', 'refused', 'gone')),
  provider_id TEXT,
  reason TEXT,
  subscription_id UUID
);
CREATE INDEX message_attempts_message_id_idx ON message_attempts (message_id, id);
