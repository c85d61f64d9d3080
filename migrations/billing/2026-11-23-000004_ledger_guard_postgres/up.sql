-- Entries and postings are only ever added, and an entry that does not balance is not committed.
CREATE FUNCTION ledger_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the ledger is only ever added to: % on % is refused', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_append_only', TABLE = TG_TABLE_NAME;
END
$$;

CREATE FUNCTION ledger_balanced() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  which UUID;
  lines BIGINT;
  difference NUMERIC;
BEGIN
  IF TG_TABLE_NAME = 'entries' THEN which := NEW.id; ELSE which := NEW.entry_id; END IF;
  SELECT count(*), COALESCE(sum(amount), 0) INTO lines, difference FROM postings WHERE entry_id = which;
  IF lines < 2 OR difference <> 0 THEN
    RAISE EXCEPTION 'the entry has % postings, which differ by %', lines, difference
      USING ERRCODE = 'check_violation', CONSTRAINT = 'entries_balanced', TABLE = 'entries';
  END IF;
  RETURN NULL;
END
$$;

-- Locks nothing: who closes a month locks the table first, and so waits for those who are writing.
CREATE FUNCTION ledger_open() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.booked_on <= (SELECT max(last_day) FROM closed_periods) THEN
    RAISE EXCEPTION 'the books are closed for that day'
      USING ERRCODE = 'exclusion_violation', CONSTRAINT = 'entries_period_open', TABLE = 'entries';
  END IF;
  RETURN NEW;
END
$$;

CREATE CONSTRAINT TRIGGER entries_balanced AFTER INSERT ON entries
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_balanced();
-- An entry that is there already takes no more postings: they would have to balance among themselves, and be seen.
CREATE FUNCTION ledger_sealed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM entries WHERE id = NEW.entry_id) THEN
    RAISE EXCEPTION 'the entry is complete: it takes no more postings'
      USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_append_only', TABLE = 'postings';
  END IF;
  RETURN NEW;
END
$$;
CREATE TRIGGER postings_sealed BEFORE INSERT ON postings FOR EACH ROW EXECUTE FUNCTION ledger_sealed();
CREATE CONSTRAINT TRIGGER postings_balanced AFTER INSERT ON postings
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_balanced();

CREATE TRIGGER entries_open BEFORE INSERT ON entries FOR EACH ROW EXECUTE FUNCTION ledger_open();
CREATE TRIGGER entries_change BEFORE UPDATE OR DELETE ON entries
  FOR EACH ROW EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER entries_truncate BEFORE TRUNCATE ON entries
  FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER postings_change BEFORE UPDATE OR DELETE ON postings
  FOR EACH ROW EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER postings_truncate BEFORE TRUNCATE ON postings
  FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();

-- What was issued says for ever what it says.
CREATE FUNCTION invoices_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'an invoice that was issued does not change its content'
    USING ERRCODE = 'check_violation', CONSTRAINT = 'invoices_fixed', TABLE = 'invoices';
END
$$;
CREATE TRIGGER invoices_fixed BEFORE UPDATE ON invoices FOR EACH ROW
  WHEN (OLD.serial IS NOT NULL AND (
    NEW.series IS DISTINCT FROM OLD.series OR NEW.serial IS DISTINCT FROM OLD.serial
    OR NEW.lines IS DISTINCT FROM OLD.lines OR NEW.total <> OLD.total OR NEW.net <> OLD.net
    OR NEW.currency <> OLD.currency OR NEW.patient_id <> OLD.patient_id OR NEW.status = 'draft'
    OR NEW.issued_on IS DISTINCT FROM OLD.issued_on
  )) EXECUTE FUNCTION invoices_fixed();
CREATE TRIGGER invoices_kept BEFORE DELETE ON invoices FOR EACH ROW
  WHEN (OLD.serial IS NOT NULL) EXECUTE FUNCTION invoices_fixed();
