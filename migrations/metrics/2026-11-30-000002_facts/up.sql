-- What is kept of each thing that is counted: the newest version that was told of. All figures follow from these rows and
-- can be computed from them again. Of whom they tell is not kept.
CREATE TABLE appointments (
  id UUID PRIMARY KEY,
  version BIGINT NOT NULL,
  department_id UUID,
  practitioner_id UUID,
  start_at TIMESTAMPTZ NOT NULL,
  end_at TIMESTAMPTZ NOT NULL,
  status TEXT NOT NULL,
  recorded BOOLEAN NOT NULL,
  late_cancellation BOOLEAN NOT NULL
);

CREATE INDEX appointments_start ON appointments (start_at);

CREATE TABLE tickets (
  id UUID PRIMARY KEY,
  version BIGINT NOT NULL,
  department_id UUID,
  day DATE NOT NULL,
  status TEXT NOT NULL,
  arrived_at TIMESTAMPTZ NOT NULL,
  called_at TIMESTAMPTZ,
  changed_at TIMESTAMPTZ NOT NULL
);

CREATE INDEX tickets_day ON tickets (day);

-- Invoices and credit notes.
CREATE TABLE bills (
  id UUID PRIMARY KEY,
  version BIGINT NOT NULL,
  department_id UUID,
  practitioner_id UUID,
  day DATE NOT NULL,
  is_credit BOOLEAN NOT NULL,
  is_void BOOLEAN NOT NULL,
  currency TEXT NOT NULL,
  total BIGINT NOT NULL
);

CREATE INDEX bills_day ON bills (day);

-- Money that was taken, and money that was given back: a payment has a row for each time.
CREATE TABLE payments (
  id UUID NOT NULL,
  version BIGINT NOT NULL,
  kind TEXT NOT NULL,
  department_id UUID,
  practitioner_id UUID,
  day DATE NOT NULL,
  currency TEXT NOT NULL,
  amount BIGINT NOT NULL,
  PRIMARY KEY (id, version)
);

CREATE INDEX payments_day ON payments (day);

CREATE TABLE patients (
  id UUID PRIMARY KEY,
  registered_at TIMESTAMPTZ NOT NULL
);

CREATE INDEX patients_registered ON patients (registered_at);

-- Every version of a schedule: a day is measured by the one that was in force.
CREATE TABLE schedules (
  id UUID NOT NULL,
  version BIGINT NOT NULL,
  since TIMESTAMPTZ NOT NULL,
  facts JSONB NOT NULL,
  PRIMARY KEY (id, version)
);

CREATE TABLE holidays (
  id UUID PRIMARY KEY,
  version BIGINT NOT NULL,
  department_id UUID,
  day DATE NOT NULL,
  active BOOLEAN NOT NULL
);

CREATE INDEX holidays_day ON holidays (day);
