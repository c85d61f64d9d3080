-- The language in which to write to a patient (BCP 47).
ALTER TABLE patients ADD COLUMN language TEXT;
