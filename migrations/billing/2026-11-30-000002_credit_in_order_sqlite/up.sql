-- The credit of a patient, the oldest first: a few payments are held at a time, however many there are.
-- payments_credit, whose place it takes, goes in the version after.
CREATE INDEX payments_credit_in_order ON payments (patient_id, currency, id) WHERE unapplied > 0;
