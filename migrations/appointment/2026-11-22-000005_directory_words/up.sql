-- What slots are searched by, and what calendars show. Copies that were made before have neither until their next event.
ALTER TABLE practitioners ADD COLUMN specialty TEXT;
ALTER TABLE departments ADD COLUMN name TEXT;
CREATE INDEX practitioners_specialty ON practitioners (specialty) WHERE specialty IS NOT NULL;
