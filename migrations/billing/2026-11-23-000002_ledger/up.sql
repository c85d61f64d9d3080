CREATE TABLE accounts (
  code TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  kind TEXT NOT NULL CONSTRAINT accounts_kind CHECK (kind IN ('asset', 'liability', 'equity', 'income', 'expense')),
  -- The program books on these by itself (domain/ledger.rs has the same list).
  system BOOLEAN NOT NULL
);
INSERT INTO accounts (code, name, kind, system) VALUES
  ('1000', 'Cash', 'asset', TRUE),
  ('1010', 'Bank', 'asset', TRUE),
  ('1020', 'Cards, on their way to the bank', 'asset', TRUE),
  ('1100', 'Owed by patients', 'asset', TRUE),
  ('1110', 'Owed by insurances', 'asset', TRUE),
  ('2100', 'Credit of patients', 'liability', TRUE),
  ('2110', 'Credit of insurances', 'liability', TRUE),
  ('2200', 'Tax to be paid', 'liability', TRUE),
  ('3000', 'Equity', 'equity', FALSE),
  ('4000', 'Revenue of services', 'income', TRUE),
  ('4100', 'Revenue of other kinds', 'income', TRUE),
  ('5000', 'Running costs', 'expense', FALSE),
  ('6000', 'Debts given up', 'expense', TRUE);

-- The books are closed up to and with the last day of the months that stand here.
CREATE TABLE closed_periods (
  month TEXT PRIMARY KEY,
  last_day DATE NOT NULL,
  closed_at TIMESTAMPTZ NOT NULL
);

-- An entry is written after its postings, and seals them: see the guards of the two databases.
CREATE TABLE entries (
  id UUID PRIMARY KEY,
  booked_on DATE NOT NULL,
  kind TEXT NOT NULL,
  memo TEXT NOT NULL,
  currency TEXT NOT NULL,
  source_id UUID,
  reverses UUID CONSTRAINT entries_reverses_key UNIQUE REFERENCES entries (id),
  created_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX entries_booked_on ON entries (booked_on);
CREATE INDEX entries_source ON entries (source_id) WHERE source_id IS NOT NULL;

-- Debit positive, credit negative, in minor units of the entry's currency.
CREATE TABLE postings (
  entry_id UUID NOT NULL REFERENCES entries (id) DEFERRABLE INITIALLY DEFERRED,
  position BIGINT NOT NULL,
  account TEXT NOT NULL REFERENCES accounts (code),
  amount BIGINT NOT NULL CONSTRAINT postings_amount CHECK (amount <> 0),
  department_id UUID,
  PRIMARY KEY (entry_id, position)
);
CREATE INDEX postings_account ON postings (account);
