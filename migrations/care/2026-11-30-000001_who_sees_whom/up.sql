-- Who is in whose care, as the user service tells it: a row for each appointment that binds somebody, or did. These are the
-- tables of a service that keeps nothing of its own in them; user, appointment and audit made theirs before.
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

-- Who reached a record that was not theirs to see, and until when. Why, the user service knows.
CREATE TABLE broken_glass (
  id UUID PRIMARY KEY,
  account_id UUID NOT NULL,
  patient_id UUID NOT NULL,
  until TIMESTAMPTZ NOT NULL
);
CREATE INDEX broken_glass_account ON broken_glass (account_id, patient_id, until);

-- Whose account a practitioner has, and where they belong.
CREATE TABLE practitioners (
  id UUID PRIMARY KEY,
  version BIGINT NOT NULL,
  account_id UUID,
  department_id UUID
);
CREATE INDEX practitioners_account ON practitioners (account_id) WHERE account_id IS NOT NULL;
