DROP TABLE chain_head;
DROP TABLE prunings;
DROP TABLE checkpoints;
DROP TABLE checkpoint_keys;
DROP TABLE entry_patients;
DROP TABLE entries;

-- One row for each act. Rows are only ever added.
CREATE TABLE entries (
  id UUID PRIMARY KEY,
  at TIMESTAMPTZ NOT NULL,
  service TEXT NOT NULL,
  actor_id UUID,
  actor_roles JSONB NOT NULL,
  action TEXT NOT NULL CHECK (action IN ('create', 'read', 'update', 'delete', 'execute')),
  resource TEXT NOT NULL,
  resource_id TEXT,
  patient_ids JSONB NOT NULL,
  outcome TEXT NOT NULL CHECK (outcome IN ('success', 'refused')),
  detail TEXT,
  request_id TEXT,
  source_ip TEXT
);
-- What is asked is "latest first": each index ends in the id, which is in the order of time.
CREATE INDEX entries_actor_id_id_idx ON entries (actor_id, id);
CREATE INDEX entries_resource_resource_id_id_idx ON entries (resource, resource_id, id);
CREATE INDEX entries_at_id_idx ON entries (at, id);

-- Whose records an act touched or showed, for the question "who looked at this patient?".
CREATE TABLE entry_patients (
  patient_id UUID NOT NULL,
  entry_id UUID NOT NULL REFERENCES entries (id),
  PRIMARY KEY (patient_id, entry_id)
);
