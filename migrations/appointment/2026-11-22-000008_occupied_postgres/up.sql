-- No double booking, whatever a program does. A replica of an older version that still runs books through the triggers.
LOCK TABLE appointments IN SHARE ROW EXCLUSIVE MODE;
ALTER TABLE occupancy ADD CONSTRAINT occupancy_no_overlap
  EXCLUDE USING gist (resource_id WITH =, tstzrange(start_at, end_at) WITH &&, session_id WITH <>);

CREATE FUNCTION appointments_occupy() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT NEW.blocking OR NEW.overbook_reason IS NOT NULL THEN
    DELETE FROM occupancy WHERE owner_id = NEW.id;
    RETURN NULL;
  END IF;
  IF TG_OP = 'UPDATE' THEN
    UPDATE occupancy
      SET start_at = COALESCE(NEW.busy_start, NEW.start_at), end_at = COALESCE(NEW.busy_end, NEW.end_at),
          session_id = COALESCE(NEW.session_id, NEW.id), seat = NEW.seat, seats = NEW.seats
      WHERE owner_id = NEW.id;
    IF FOUND THEN
      RETURN NULL;
    END IF;
  END IF;
  INSERT INTO occupancy (owner_id, resource_id, session_id, seat, seats, start_at, end_at)
    VALUES (NEW.id, NEW.practitioner_id, COALESCE(NEW.session_id, NEW.id), NEW.seat, NEW.seats,
            COALESCE(NEW.busy_start, NEW.start_at), COALESCE(NEW.busy_end, NEW.end_at));
  RETURN NULL;
END
$$;

CREATE TRIGGER appointments_occupy_insert AFTER INSERT ON appointments
  FOR EACH ROW WHEN (NEW.blocking AND NEW.overbook_reason IS NULL) EXECUTE FUNCTION appointments_occupy();
CREATE TRIGGER appointments_occupy_update AFTER UPDATE ON appointments
  FOR EACH ROW WHEN (
    (OLD.blocking, OLD.start_at, OLD.end_at, OLD.busy_start, OLD.busy_end, OLD.session_id, OLD.seat, OLD.seats,
     OLD.overbook_reason)
    IS DISTINCT FROM
    (NEW.blocking, NEW.start_at, NEW.end_at, NEW.busy_start, NEW.busy_end, NEW.session_id, NEW.seat, NEW.seats,
     NEW.overbook_reason)
  ) EXECUTE FUNCTION appointments_occupy();

INSERT INTO occupancy (owner_id, resource_id, session_id, seat, seats, start_at, end_at)
  SELECT id, practitioner_id, id, 0, 1, start_at, end_at FROM appointments WHERE blocking;
ALTER TABLE appointments DROP CONSTRAINT appointments_no_overlap;
DROP INDEX appointments_busy;
