-- Events whose effect is committed: a second delivery finds its id here and does nothing.
CREATE TABLE inbox (
  event_id UUID PRIMARY KEY,
  received_at TIMESTAMPTZ NOT NULL
);
