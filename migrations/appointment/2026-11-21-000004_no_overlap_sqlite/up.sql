-- No double booking, whatever a program does: what the exclusion constraint is on PostgreSQL.
--
-- What blocks never overlaps, so of all that starts before the new end only the last can reach into the new slot:
-- one step in the index, however full the calendar is.
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
