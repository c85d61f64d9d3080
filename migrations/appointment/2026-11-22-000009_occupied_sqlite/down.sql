DROP TRIGGER appointments_occupy_update;
DROP TRIGGER appointments_free_update;
DROP TRIGGER appointments_occupy_insert;
DROP TRIGGER occupancy_no_overlap_update;
DROP TRIGGER occupancy_no_overlap_insert;
CREATE INDEX appointments_busy ON appointments (practitioner_id, start_at) WHERE blocking;
CREATE TRIGGER appointments_no_overlap_insert BEFORE INSERT ON appointments
WHEN NEW.status IN ('pending', 'booked', 'arrived')
BEGIN
  SELECT RAISE(ABORT, 'EXCLUSION: appointments_no_overlap') WHERE NEW.start_at < (
    SELECT end_at FROM appointments
    WHERE practitioner_id = NEW.practitioner_id AND blocking AND start_at < NEW.end_at
    ORDER BY start_at DESC LIMIT 1
  );
END;

CREATE TRIGGER appointments_no_overlap_update
BEFORE UPDATE OF practitioner_id, start_at, end_at, status ON appointments
WHEN NEW.status IN ('pending', 'booked', 'arrived')
BEGIN
  SELECT RAISE(ABORT, 'EXCLUSION: appointments_no_overlap') WHERE NEW.start_at < (
    SELECT end_at FROM appointments
    WHERE practitioner_id = NEW.practitioner_id AND blocking AND start_at < NEW.end_at AND id <> OLD.id
    ORDER BY start_at DESC LIMIT 1
  );
END;
