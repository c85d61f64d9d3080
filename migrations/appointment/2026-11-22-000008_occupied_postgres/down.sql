ALTER TABLE appointments ADD CONSTRAINT appointments_no_overlap
  EXCLUDE USING gist (practitioner_id WITH =, tstzrange(start_at, end_at) WITH &&) WHERE (blocking);
CREATE INDEX appointments_busy ON appointments (practitioner_id, start_at) WHERE blocking;
DROP TRIGGER appointments_occupy_update ON appointments;
DROP TRIGGER appointments_occupy_insert ON appointments;
DROP FUNCTION appointments_occupy();
ALTER TABLE occupancy DROP CONSTRAINT occupancy_no_overlap;
