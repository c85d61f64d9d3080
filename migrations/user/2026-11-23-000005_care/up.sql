-- Who had to do with whom: a row for each appointment, as its events tell. One that was cancelled binds nobody.
CREATE TABLE care_relations (
  appointment_id UUID PRIMARY KEY,
  patient_id UUID NOT NULL,
  practitioner_id UUID NOT NULL,
  department_id UUID,
  binding BOOLEAN NOT NULL,
  version BIGINT NOT NULL
);
CREATE INDEX care_relations_patient ON care_relations (patient_id);
CREATE INDEX care_relations_practitioner ON care_relations (practitioner_id);
CREATE INDEX care_relations_department ON care_relations (department_id) WHERE department_id IS NOT NULL;

-- Who reached a record that was not theirs to see, until when and why. Rows are never changed.
CREATE TABLE broken_glass (
  id UUID PRIMARY KEY,
  account_id UUID NOT NULL,
  patient_id UUID NOT NULL REFERENCES patients (id),
  reason TEXT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL,
  until TIMESTAMPTZ NOT NULL
);
CREATE INDEX broken_glass_account ON broken_glass (account_id, patient_id, until);
CREATE INDEX broken_glass_patient ON broken_glass (patient_id);
CREATE INDEX broken_glass_created_at ON broken_glass (created_at);
