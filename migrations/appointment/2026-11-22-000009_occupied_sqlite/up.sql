-- No double booking, whatever a program does: what the exclusion constraint and the triggers are on PostgreSQL.
DROP TRIGGER appointments_no_overlap_insert;
DROP TRIGGER appointments_no_overlap_update;
INSERT INTO occupancy (owner_id, resource_id, session_id, seat, seats, start_at, end_at)
  SELECT id, practitioner_id, id, 0, 1, start_at, end_at FROM appointments WHERE blocking;
DROP INDEX appointments_busy;

-- Rows of different sessions never overlap, so of all that starts before the new end only the last can reach into the
-- new slot: one step in the index, however full the calendar is.
CREATE TRIGGER occupancy_no_overlap_insert BEFORE INSERT ON occupancy
BEGIN
  SELECT RAISE(ABORT, 'EXCLUSION: occupancy_no_overlap') WHERE NEW.start_at < (
    SELECT end_at FROM occupancy
    WHERE resource_id = NEW.resource_id AND start_at < NEW.end_at AND session_id <> NEW.session_id
    ORDER BY start_at DESC LIMIT 1
  );
END;

CREATE TRIGGER occupancy_no_overlap_update BEFORE UPDATE OF resource_id, session_id, start_at, end_at ON occupancy
BEGIN
  SELECT RAISE(ABORT, 'EXCLUSION: occupancy_no_overlap') WHERE NEW.start_at < (
    SELECT end_at FROM occupancy
    WHERE resource_id = NEW.resource_id AND start_at < NEW.end_at AND session_id <> NEW.session_id
      AND NOT (owner_id = OLD.owner_id AND resource_id = OLD.resource_id)
    ORDER BY start_at DESC LIMIT 1
  );
END;

CREATE TRIGGER appointments_occupy_insert AFTER INSERT ON appointments
WHEN NEW.status IN ('pending', 'booked', 'arrived') AND NEW.overbook_reason IS NULL
BEGIN
  INSERT INTO occupancy (owner_id, resource_id, session_id, seat, seats, start_at, end_at)
    VALUES (NEW.id, NEW.practitioner_id, COALESCE(NEW.session_id, NEW.id), NEW.seat, NEW.seats,
            COALESCE(NEW.busy_start, NEW.start_at), COALESCE(NEW.busy_end, NEW.end_at));
END;

CREATE TRIGGER appointments_free_update AFTER UPDATE ON appointments
WHEN NEW.status NOT IN ('pending', 'booked', 'arrived') OR NEW.overbook_reason IS NOT NULL
BEGIN
  DELETE FROM occupancy WHERE owner_id = NEW.id;
END;

CREATE TRIGGER appointments_occupy_update AFTER UPDATE ON appointments
WHEN NEW.status IN ('pending', 'booked', 'arrived') AND NEW.overbook_reason IS NULL
BEGIN
  UPDATE occupancy
    SET start_at = COALESCE(NEW.busy_start, NEW.start_at), end_at = COALESCE(NEW.busy_end, NEW.end_at),
        session_id = COALESCE(NEW.session_id, NEW.id), seat = NEW.seat, seats = NEW.seats
    WHERE owner_id = NEW.id;
  INSERT INTO occupancy (owner_id, resource_id, session_id, seat, seats, start_at, end_at)
    SELECT NEW.id, NEW.practitioner_id, COALESCE(NEW.session_id, NEW.id), NEW.seat, NEW.seats,
           COALESCE(NEW.busy_start, NEW.start_at), COALESCE(NEW.busy_end, NEW.end_at)
    WHERE NOT EXISTS (SELECT 1 FROM occupancy WHERE owner_id = NEW.id);
END;
