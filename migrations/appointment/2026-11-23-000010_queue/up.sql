-- The queue at the counter. Whoever changes it holds the one row of queue_feed, so that the changes of all departments
-- are numbered in the order of their commits: a reader that has seen one number has seen all before it.
CREATE TABLE queue_feed (
  id BIGINT PRIMARY KEY CHECK (id = 1),
  position BIGINT NOT NULL
);
INSERT INTO queue_feed (id, position) VALUES (1, 0);
-- The letters of a department, and the last number of a day.
CREATE TABLE queue_counters (
  department_id UUID PRIMARY KEY,
  letters TEXT NOT NULL,
  day DATE NOT NULL,
  last BIGINT NOT NULL,
  CONSTRAINT queue_counters_letters_key UNIQUE (letters)
);
CREATE TABLE queue_desks (
  id UUID PRIMARY KEY,
  department_id UUID NOT NULL,
  name TEXT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL,
  CONSTRAINT queue_desks_department_id_name_key UNIQUE (department_id, name)
);
CREATE TABLE queue_tickets (
  id UUID PRIMARY KEY,
  department_id UUID NOT NULL,
  day DATE NOT NULL,
  number TEXT NOT NULL,
  status TEXT NOT NULL
    CHECK (status IN ('waiting', 'called', 'in_service', 'served', 'skipped', 'left')),
  triage TEXT NOT NULL,
  patient_id UUID,
  appointment_id UUID,
  appointment_start TIMESTAMPTZ,
  -- The place in the order; lower comes first.
  place_triage BIGINT NOT NULL,
  place_at TIMESTAMPTZ NOT NULL,
  place_sub BIGINT NOT NULL,
  -- The desk, and its name as it was then.
  desk_id UUID,
  desk TEXT,
  arrived_at TIMESTAMPTZ NOT NULL,
  called_at TIMESTAMPTZ,
  ended_at TIMESTAMPTZ,
  version BIGINT NOT NULL,
  updated_at TIMESTAMPTZ NOT NULL,
  CONSTRAINT queue_tickets_number_key UNIQUE (department_id, day, number),
  -- An appointment is checked in once.
  CONSTRAINT queue_tickets_appointment_id_key UNIQUE (appointment_id)
);
CREATE INDEX queue_tickets_open_idx ON queue_tickets (department_id, day, status);
-- What the screens are told, in order; kept for two days.
CREATE TABLE queue_changes (
  position BIGINT PRIMARY KEY,
  department_id UUID NOT NULL,
  number TEXT NOT NULL,
  status TEXT NOT NULL,
  desk TEXT,
  at TIMESTAMPTZ NOT NULL
);
CREATE INDEX queue_changes_at_idx ON queue_changes (at);
