-- Which time an appointment takes beside its own: buffers, and with how many others it shares it.
ALTER TABLE appointments ADD COLUMN appointment_type_id UUID;
ALTER TABLE appointments ADD COLUMN series_id UUID;
ALTER TABLE appointments ADD COLUMN zone TEXT;
ALTER TABLE appointments ADD COLUMN resource_ids JSONB NOT NULL DEFAULT '[]';
ALTER TABLE appointments ADD COLUMN overbook_reason TEXT;
ALTER TABLE appointments ADD COLUMN late_cancellation BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE appointments ADD COLUMN busy_start TIMESTAMPTZ;
ALTER TABLE appointments ADD COLUMN busy_end TIMESTAMPTZ;
ALTER TABLE appointments ADD COLUMN session_id UUID;
ALTER TABLE appointments ADD COLUMN seat BIGINT NOT NULL DEFAULT 0;
ALTER TABLE appointments ADD COLUMN seats BIGINT NOT NULL DEFAULT 1;
CREATE INDEX appointments_series ON appointments (series_id, start_at) WHERE series_id IS NOT NULL;

-- The time that is taken of practitioners, rooms and equipment, by appointments and by holds: one row for each of them.
-- No two rows of one resource overlap, unless they are of one session; those have a seat each.
--
-- The rows of practitioners follow from `appointments` by triggers, so that no program can book around them.
CREATE TABLE occupancy (
  owner_id UUID NOT NULL,
  resource_id UUID NOT NULL,
  session_id UUID NOT NULL,
  seat BIGINT NOT NULL,
  seats BIGINT NOT NULL,
  start_at TIMESTAMPTZ NOT NULL,
  end_at TIMESTAMPTZ NOT NULL,
  -- From this moment on the row says nothing any more, and whom it is in the way of deletes it.
  expires_at TIMESTAMPTZ,
  PRIMARY KEY (owner_id, resource_id),
  CONSTRAINT occupancy_end_after_start CHECK (end_at > start_at),
  CONSTRAINT occupancy_seat CHECK (seat >= 0 AND seat < seats)
);
CREATE INDEX occupancy_busy ON occupancy (resource_id, start_at);
CREATE UNIQUE INDEX occupancy_session_id_resource_id_seat_key ON occupancy (session_id, resource_id, seat) WHERE seats > 1;
CREATE INDEX occupancy_expiring ON occupancy (resource_id, expires_at) WHERE expires_at IS NOT NULL;

-- A slot that is kept for an account until `expires_at`; its time stands in `occupancy`, with the same moment.
CREATE TABLE holds (
  id UUID PRIMARY KEY,
  held_by UUID NOT NULL,
  practitioner_id UUID NOT NULL,
  department_id UUID,
  appointment_type_id UUID,
  start_at TIMESTAMPTZ NOT NULL,
  end_at TIMESTAMPTZ NOT NULL,
  busy_start TIMESTAMPTZ,
  busy_end TIMESTAMPTZ,
  session_id UUID,
  seat BIGINT NOT NULL,
  seats BIGINT NOT NULL,
  resource_ids JSONB NOT NULL,
  zone TEXT,
  expires_at TIMESTAMPTZ NOT NULL,
  created_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX holds_held_by ON holds (held_by, expires_at);
CREATE INDEX holds_expires_at ON holds (expires_at);
