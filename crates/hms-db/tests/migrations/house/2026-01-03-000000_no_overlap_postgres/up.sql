ALTER TABLE stays ADD CONSTRAINT stays_no_overlap EXCLUDE USING gist (daterange(from_on, until_on) WITH &&);
