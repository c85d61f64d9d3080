CREATE TABLE departments (
  id UUID PRIMARY KEY,
  status TEXT NOT NULL CONSTRAINT departments_status CHECK (status IN ('active', 'inactive')),
  name TEXT NOT NULL,
  kind TEXT NOT NULL CONSTRAINT departments_kind CHECK (kind IN ('hospital', 'clinic', 'department', 'site')),
  phone TEXT,
  address JSONB,
  identifiers JSONB NOT NULL,
  -- The name, folded: what `search` looks through.
  search_text TEXT NOT NULL,
  version BIGINT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL,
  updated_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX departments_name ON departments (name);
CREATE INDEX departments_created_at ON departments (created_at);

-- What the column `identifiers` of the same transaction says, once more, so that no two departments share one.
CREATE TABLE department_identifiers (
  system TEXT NOT NULL,
  value TEXT NOT NULL,
  department_id UUID NOT NULL REFERENCES departments (id),
  PRIMARY KEY (system, value)
);
