ALTER TABLE signing_keys DROP COLUMN used_until;
ALTER TABLE signing_keys DROP COLUMN used_from;
