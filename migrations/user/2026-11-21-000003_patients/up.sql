CREATE TABLE patients (
  id UUID PRIMARY KEY,
  mrn TEXT NOT NULL CONSTRAINT patients_mrn_key UNIQUE,
  status TEXT NOT NULL CONSTRAINT patients_status CHECK (status IN ('active', 'inactive', 'deceased')),
  given_name TEXT NOT NULL,
  family_name TEXT NOT NULL,
  birth_date DATE NOT NULL,
  gender TEXT NOT NULL CONSTRAINT patients_gender CHECK (gender IN ('male', 'female', 'other', 'unknown')),
  phone TEXT,
  email TEXT,
  address JSONB,
  identifiers JSONB NOT NULL,
  deceased_at TIMESTAMPTZ,
  account_id UUID CONSTRAINT patients_account_id_key UNIQUE,
  -- Names, MRN, e-mail and phone, folded: what `search` looks through.
  search_text TEXT NOT NULL,
  version BIGINT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL,
  updated_at TIMESTAMPTZ NOT NULL,
  CONSTRAINT patients_deceased CHECK (status <> 'deceased' OR deceased_at IS NOT NULL)
);
CREATE INDEX patients_family_name ON patients (family_name);
CREATE INDEX patients_birth_date ON patients (birth_date);
CREATE INDEX patients_created_at ON patients (created_at);
CREATE INDEX patients_email ON patients (email) WHERE email IS NOT NULL;
CREATE INDEX patients_phone ON patients (phone) WHERE phone IS NOT NULL;

-- What the column `identifiers` of the same transaction says, once more, so that no two patients share one.
CREATE TABLE patient_identifiers (
  system TEXT NOT NULL,
  value TEXT NOT NULL,
  patient_id UUID NOT NULL REFERENCES patients (id),
  PRIMARY KEY (system, value)
);
