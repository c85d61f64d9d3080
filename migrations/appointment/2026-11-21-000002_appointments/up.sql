-- `blocking` says which statuses take the practitioner's time; the program has the same list (Status::blocks).
-- No foreign keys to the copies: they would cost three more row locks for each booking and protect nothing, since
-- no row of a copy is ever deleted.
CREATE TABLE appointments (
  id UUID PRIMARY KEY,
  patient_id UUID NOT NULL,
  practitioner_id UUID NOT NULL,
  department_id UUID,
  start_at TIMESTAMPTZ NOT NULL,
  end_at TIMESTAMPTZ NOT NULL,
  status TEXT NOT NULL CONSTRAINT appointments_status_check CHECK (status IN (
    'proposed', 'pending', 'booked', 'arrived', 'fulfilled', 'cancelled', 'noshow', 'waitlist'
  )),
  blocking BOOLEAN NOT NULL GENERATED ALWAYS AS (status IN ('pending', 'booked', 'arrived')) STORED,
  reason TEXT,
  description TEXT,
  cancellation_reason TEXT,
  identifiers JSONB NOT NULL,
  version BIGINT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL,
  updated_at TIMESTAMPTZ NOT NULL,
  deleted_at TIMESTAMPTZ,
  CONSTRAINT appointments_end_after_start CHECK (end_at > start_at)
);

-- The practitioner's taken time.
CREATE INDEX appointments_busy ON appointments (practitioner_id, start_at) WHERE blocking;
-- Lists: a patient's, a practitioner's, a day's.
CREATE INDEX appointments_patient ON appointments (patient_id, id);
CREATE INDEX appointments_practitioner ON appointments (practitioner_id, id);
CREATE INDEX appointments_start ON appointments (start_at);

-- The same identifiers that stand in the row, where they can be unique and be found.
CREATE TABLE appointment_identifiers (
  system TEXT NOT NULL,
  value TEXT NOT NULL,
  appointment_id UUID NOT NULL REFERENCES appointments (id),
  PRIMARY KEY (system, value)
);
