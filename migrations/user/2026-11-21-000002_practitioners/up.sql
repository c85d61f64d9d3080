CREATE TABLE practitioners (
  id UUID PRIMARY KEY,
  status TEXT NOT NULL CONSTRAINT practitioners_status CHECK (status IN ('active', 'inactive')),
  given_name TEXT NOT NULL,
  family_name TEXT NOT NULL,
  prefix TEXT,
  gender TEXT CONSTRAINT practitioners_gender CHECK (gender IN ('male', 'female', 'other', 'unknown')),
  specialty TEXT,
  department_id UUID REFERENCES departments (id),
  phone TEXT,
  email TEXT,
  identifiers JSONB NOT NULL,
  account_id UUID CONSTRAINT practitioners_account_id_key UNIQUE,
  -- Names, specialty, e-mail and phone, folded: what `search` looks through.
  search_text TEXT NOT NULL,
  version BIGINT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL,
  updated_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX practitioners_family_name ON practitioners (family_name);
CREATE INDEX practitioners_created_at ON practitioners (created_at);
CREATE INDEX practitioners_department ON practitioners (department_id) WHERE department_id IS NOT NULL;
CREATE INDEX practitioners_specialty ON practitioners (specialty) WHERE specialty IS NOT NULL;

-- What the column `identifiers` of the same transaction says, once more, so that no two practitioners share one.
CREATE TABLE practitioner_identifiers (
  system TEXT NOT NULL,
  value TEXT NOT NULL,
  practitioner_id UUID NOT NULL REFERENCES practitioners (id),
  PRIMARY KEY (system, value)
);
