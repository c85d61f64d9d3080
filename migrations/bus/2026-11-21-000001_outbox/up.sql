-- Events that are committed and not yet handed over; a row is deleted when the broker (or, in process, every
-- subscriber) has it, so the table is as long as the backlog.
--
-- `position` orders the events of one aggregate. PostgreSQL draws it from the sequence of BIGSERIAL; SQLite
-- reads the word as a plain numeric type and the program counts (it has one writer at a time).
CREATE TABLE outbox (
  position BIGSERIAL PRIMARY KEY,
  event_id UUID NOT NULL,
  kind TEXT NOT NULL,
  subject TEXT NOT NULL,
  body TEXT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL
);
