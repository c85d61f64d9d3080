-- What was counted of a day, a department and a practitioner. A day that has a row in `changed_days` counts otherwise by
-- now.
CREATE TABLE cells (
  id UUID PRIMARY KEY,
  day DATE NOT NULL,
  department_id UUID,
  practitioner_id UUID,
  counts JSONB NOT NULL
);

CREATE INDEX cells_day ON cells (day);

-- A row is only ever added, in the transaction that changes a fact: whoever takes an event waits for nobody who takes
-- another. Whoever counts a day takes its rows away first and looks at the facts after that.
CREATE TABLE changed_days (
  id UUID PRIMARY KEY,
  day DATE NOT NULL,
  rebuild_id UUID
);

CREATE INDEX changed_days_day ON changed_days (day);
CREATE INDEX changed_days_rebuild ON changed_days (rebuild_id);

-- Whoever counts holds this row: of several replicas one does.
CREATE TABLE jobs (
  name TEXT PRIMARY KEY,
  zone TEXT,
  days_counted BIGINT NOT NULL
);

INSERT INTO jobs (name, zone, days_counted) VALUES ('aggregate_metrics', NULL, 0);

-- Counting everything anew.
CREATE TABLE rebuilds (
  id UUID PRIMARY KEY,
  state TEXT NOT NULL,
  is_open BOOLEAN NOT NULL,
  days BIGINT,
  days_left BIGINT,
  created_at TIMESTAMPTZ NOT NULL,
  started_at TIMESTAMPTZ,
  ended_at TIMESTAMPTZ
);

-- One at a time.
CREATE UNIQUE INDEX rebuilds_open_key ON rebuilds (is_open) WHERE is_open;
