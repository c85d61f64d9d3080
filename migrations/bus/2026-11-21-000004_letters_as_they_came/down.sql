ALTER TABLE dead_letters DROP COLUMN patient_ids;
ALTER TABLE dead_letters DROP COLUMN encoding;
