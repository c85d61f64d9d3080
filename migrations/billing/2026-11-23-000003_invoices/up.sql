-- The next number of each series. Whoever issues holds the row until they commit: numbers have no gaps.
CREATE TABLE series (
  code TEXT PRIMARY KEY,
  next BIGINT NOT NULL
);
INSERT INTO series (code, next) VALUES ('INV', 1), ('CN', 1);

-- Amounts are in minor units of the currency. `lines` have no life of their own: they are written with the invoice and
-- fixed when it is issued.
CREATE TABLE invoices (
  id UUID PRIMARY KEY,
  kind TEXT NOT NULL CONSTRAINT invoices_kind CHECK (kind IN ('invoice', 'credit_note')),
  status TEXT NOT NULL CONSTRAINT invoices_status CHECK (status IN (
    'draft', 'issued', 'partly_paid', 'paid', 'void', 'written_off'
  )),
  series TEXT,
  serial BIGINT,
  patient_id UUID NOT NULL,
  appointment_id UUID,
  practitioner_id UUID,
  department_id UUID,
  coverage_id UUID,
  payer_id UUID,
  credits UUID REFERENCES invoices (id),
  currency TEXT NOT NULL,
  lines JSONB NOT NULL,
  net BIGINT NOT NULL,
  tax BIGINT NOT NULL,
  total BIGINT NOT NULL,
  patient_due BIGINT NOT NULL,
  patient_settled BIGINT NOT NULL,
  patient_credited BIGINT NOT NULL,
  payer_due BIGINT NOT NULL,
  payer_settled BIGINT NOT NULL,
  payer_credited BIGINT NOT NULL,
  open BIGINT NOT NULL,
  issued_on DATE,
  due_on DATE,
  dunning_level BIGINT NOT NULL,
  note TEXT,
  reference TEXT CONSTRAINT invoices_reference_key UNIQUE,
  version BIGINT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL,
  updated_at TIMESTAMPTZ NOT NULL,
  CONSTRAINT invoices_series_serial_key UNIQUE (series, serial),
  CONSTRAINT invoices_total CHECK (total = net + tax),
  CONSTRAINT invoices_shares CHECK (patient_due + payer_due = total),
  CONSTRAINT invoices_settled CHECK (
    patient_settled BETWEEN 0 AND patient_due AND payer_settled BETWEEN 0 AND payer_due AND open >= 0
  )
);
-- A fulfilled appointment drafts one invoice.
CREATE UNIQUE INDEX invoices_appointment_id_key ON invoices (appointment_id) WHERE appointment_id IS NOT NULL;
CREATE INDEX invoices_patient ON invoices (patient_id, id);
CREATE INDEX invoices_due ON invoices (due_on) WHERE status IN ('issued', 'partly_paid');
CREATE INDEX invoices_credits ON invoices (credits) WHERE credits IS NOT NULL;

CREATE TABLE claims (
  id UUID PRIMARY KEY,
  invoice_id UUID NOT NULL CONSTRAINT claims_invoice_id_key UNIQUE REFERENCES invoices (id),
  payer_id UUID NOT NULL,
  coverage_id UUID,
  patient_id UUID NOT NULL,
  status TEXT NOT NULL CONSTRAINT claims_status CHECK (status IN (
    'draft', 'submitted', 'accepted', 'rejected', 'paid', 'cancelled'
  )),
  currency TEXT NOT NULL,
  claimed BIGINT NOT NULL,
  agreed BIGINT,
  reason TEXT,
  version BIGINT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL,
  updated_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX claims_payer ON claims (payer_id, id);

CREATE TABLE payments (
  id UUID PRIMARY KEY,
  status TEXT NOT NULL CONSTRAINT payments_status CHECK (status IN (
    'pending', 'captured', 'partly_refunded', 'refunded', 'failed'
  )),
  method TEXT NOT NULL CONSTRAINT payments_method CHECK (method IN ('cash', 'card', 'transfer', 'insurance')),
  side TEXT NOT NULL,
  patient_id UUID,
  payer_id UUID,
  invoice_id UUID REFERENCES invoices (id),
  currency TEXT NOT NULL,
  amount BIGINT NOT NULL CONSTRAINT payments_amount CHECK (amount > 0),
  refunded BIGINT NOT NULL,
  unapplied BIGINT NOT NULL,
  received_on DATE NOT NULL,
  reference TEXT,
  source TEXT,
  source_reference TEXT,
  by_provider BOOLEAN NOT NULL,
  provider_reference TEXT CONSTRAINT payments_provider_reference_key UNIQUE,
  client_secret TEXT,
  failure TEXT,
  reconciled_on DATE,
  version BIGINT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL,
  updated_at TIMESTAMPTZ NOT NULL,
  -- What another service asks for is booked once, however often it asks.
  CONSTRAINT payments_source_source_reference_key UNIQUE (source, source_reference),
  CONSTRAINT payments_parts CHECK (refunded >= 0 AND unapplied >= 0 AND refunded + unapplied <= amount)
);
CREATE INDEX payments_patient ON payments (patient_id, id);
CREATE INDEX payments_credit ON payments (patient_id, currency) WHERE unapplied > 0;
CREATE INDEX payments_with_provider ON payments (created_at) WHERE status = 'pending';

-- What of a payment went to which invoice. How it came to be so stands in the ledger.
CREATE TABLE allocations (
  payment_id UUID NOT NULL REFERENCES payments (id),
  invoice_id UUID NOT NULL REFERENCES invoices (id),
  amount BIGINT NOT NULL CONSTRAINT allocations_amount CHECK (amount >= 0),
  PRIMARY KEY (payment_id, invoice_id)
);
CREATE INDEX allocations_invoice ON allocations (invoice_id);

CREATE TABLE refunds (
  id UUID PRIMARY KEY,
  payment_id UUID NOT NULL REFERENCES payments (id),
  currency TEXT NOT NULL,
  amount BIGINT NOT NULL CONSTRAINT refunds_amount CHECK (amount > 0),
  status TEXT NOT NULL CONSTRAINT refunds_status CHECK (status IN ('pending', 'done', 'failed')),
  reason TEXT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX refunds_payment ON refunds (payment_id);
CREATE INDEX refunds_pending ON refunds (created_at) WHERE status = 'pending';

-- What is done once a day, by whichever replica comes first.
CREATE TABLE jobs (
  name TEXT PRIMARY KEY,
  last_run_on DATE NOT NULL
);
INSERT INTO jobs (name, last_run_on) VALUES ('dunning', '1970-01-01');
