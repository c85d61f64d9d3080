-- What this service keeps of patients, practitioners and departments: copies made from the user service's events.
-- `version` is the version of the original, so that an event that comes late is dropped. No row is ever deleted.
CREATE TABLE patients (
  id UUID PRIMARY KEY,
  version BIGINT NOT NULL,
  name TEXT NOT NULL,
  active BOOLEAN NOT NULL
);

CREATE TABLE practitioners (
  id UUID PRIMARY KEY,
  version BIGINT NOT NULL,
  name TEXT NOT NULL,
  active BOOLEAN NOT NULL
);

CREATE TABLE departments (
  id UUID PRIMARY KEY,
  version BIGINT NOT NULL,
  name TEXT NOT NULL,
  active BOOLEAN NOT NULL
);

-- What can be billed.
CREATE TABLE catalogue_items (
  id UUID PRIMARY KEY,
  code TEXT NOT NULL CONSTRAINT catalogue_items_code_key UNIQUE,
  name TEXT NOT NULL,
  active BOOLEAN NOT NULL,
  version BIGINT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL,
  updated_at TIMESTAMPTZ NOT NULL
);

-- Prices are only ever added: each holds from its day until the next one begins.
CREATE TABLE catalogue_prices (
  item_id UUID NOT NULL REFERENCES catalogue_items (id),
  currency TEXT NOT NULL,
  valid_from DATE NOT NULL,
  amount BIGINT NOT NULL CONSTRAINT catalogue_prices_amount CHECK (amount >= 0),
  tax_rate BIGINT NOT NULL CONSTRAINT catalogue_prices_tax_rate CHECK (tax_rate BETWEEN 0 AND 1000000),
  created_at TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (item_id, currency, valid_from)
);

-- Who pays for patients.
CREATE TABLE payers (
  id UUID PRIMARY KEY,
  name TEXT NOT NULL,
  reference TEXT CONSTRAINT payers_reference_key UNIQUE,
  created_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE coverages (
  id UUID PRIMARY KEY,
  patient_id UUID NOT NULL,
  payer_id UUID NOT NULL REFERENCES payers (id),
  member_number TEXT,
  terms JSONB NOT NULL,
  valid_from DATE NOT NULL,
  valid_to DATE,
  created_at TIMESTAMPTZ NOT NULL,
  CONSTRAINT coverages_days CHECK (valid_to IS NULL OR valid_to >= valid_from)
);
CREATE INDEX coverages_patient ON coverages (patient_id, id);
