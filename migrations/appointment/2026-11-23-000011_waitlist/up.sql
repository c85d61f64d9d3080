-- Who waits for a time to become free.
CREATE TABLE waitlist_entries (
  id UUID PRIMARY KEY,
  patient_id UUID NOT NULL,
  practitioner_id UUID,
  department_id UUID,
  appointment_type_id UUID,
  -- The range that will do.
  start_at TIMESTAMPTZ NOT NULL,
  end_at TIMESTAMPTZ NOT NULL,
  -- How much of a free time is needed; null: as much as there is.
  minutes BIGINT,
  -- 1 is the most urgent.
  priority BIGINT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('waiting', 'offered', 'booked', 'withdrawn')),
  appointment_id UUID,
  version BIGINT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL,
  updated_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX waitlist_entries_waiting_idx ON waitlist_entries (priority, created_at, id) WHERE status = 'waiting';
CREATE INDEX waitlist_entries_patient_id_idx ON waitlist_entries (patient_id);
CREATE INDEX waitlist_entries_created_at_idx ON waitlist_entries (created_at, id);
-- Times that became free and have not been offered to everybody who waits for such a one.
CREATE TABLE waitlist_openings (
  id UUID PRIMARY KEY,
  practitioner_id UUID NOT NULL,
  department_id UUID,
  appointment_type_id UUID,
  start_at TIMESTAMPTZ NOT NULL,
  end_at TIMESTAMPTZ NOT NULL,
  created_at TIMESTAMPTZ NOT NULL
);
-- Which time was offered to whom.
CREATE TABLE waitlist_offers (
  id UUID PRIMARY KEY,
  entry_id UUID NOT NULL REFERENCES waitlist_entries (id),
  opening_id UUID NOT NULL,
  hold_id UUID NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('open', 'accepted', 'declined', 'expired', 'withdrawn')),
  expires_at TIMESTAMPTZ NOT NULL,
  -- The time as it became free, to be offered to the next.
  opening JSONB NOT NULL,
  created_at TIMESTAMPTZ NOT NULL,
  CONSTRAINT waitlist_offers_once_key UNIQUE (opening_id, entry_id)
);
-- Two people never have the same offer, and nobody has two.
CREATE UNIQUE INDEX waitlist_offers_opening_open_key ON waitlist_offers (opening_id) WHERE status = 'open';
CREATE UNIQUE INDEX waitlist_offers_entry_open_key ON waitlist_offers (entry_id) WHERE status = 'open';
CREATE INDEX waitlist_offers_expires_at_idx ON waitlist_offers (expires_at) WHERE status = 'open';
