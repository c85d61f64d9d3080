-- What an appointment is for. `details` holds its length, buffers, capacity, needs and policy as the API shows them.
CREATE TABLE appointment_types (
  id UUID PRIMARY KEY,
  name TEXT NOT NULL,
  active BOOLEAN NOT NULL,
  details JSONB NOT NULL,
  version BIGINT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL,
  updated_at TIMESTAMPTZ NOT NULL
);

-- When a practitioner sees patients at a place. `terms` holds the zone, the hours and the rest as the API shows them;
-- slots are computed from it and never stored.
CREATE TABLE schedules (
  id UUID PRIMARY KEY,
  practitioner_id UUID NOT NULL,
  department_id UUID NOT NULL,
  active BOOLEAN NOT NULL,
  terms JSONB NOT NULL,
  version BIGINT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL,
  updated_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX schedules_practitioner ON schedules (practitioner_id);
CREATE INDEX schedules_department ON schedules (department_id);

-- Days on which a place is closed; without a department, all places are.
CREATE TABLE holidays (
  id UUID PRIMARY KEY,
  department_id UUID,
  day DATE NOT NULL,
  name TEXT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL
);
CREATE UNIQUE INDEX holidays_day_department_id_key ON holidays (day, department_id) WHERE department_id IS NOT NULL;
CREATE UNIQUE INDEX holidays_day_key ON holidays (day) WHERE department_id IS NULL;

-- Rooms and equipment. Whoever takes or frees the time of one holds its row (PostgreSQL).
CREATE TABLE resources (
  id UUID PRIMARY KEY,
  department_id UUID NOT NULL,
  kind TEXT NOT NULL CONSTRAINT resources_kind CHECK (kind IN ('room', 'equipment')),
  category TEXT NOT NULL,
  name TEXT NOT NULL,
  active BOOLEAN NOT NULL,
  version BIGINT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL,
  updated_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX resources_category ON resources (department_id, category);
