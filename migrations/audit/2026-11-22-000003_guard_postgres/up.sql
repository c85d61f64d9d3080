-- Entries, checkpoints and keys are only ever added. What may go is what a row of `prunings` covers: the beginning
-- of the chain, up to a checkpoint. (Whoever owns the tables can drop these triggers; the chain tells of it.)
CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the audit is only ever added to: % on % is refused', TG_OP, TG_TABLE_NAME;
END
$$;

CREATE FUNCTION audit_refuse_unless_pruned() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.seq <= (SELECT max(seq) FROM prunings) THEN
    RETURN OLD;
  END IF;
  RAISE EXCEPTION 'the audit is only ever added to: DELETE on % is refused', TG_TABLE_NAME;
END
$$;

CREATE FUNCTION audit_refuse_unless_outlived() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.seq <= (SELECT max(seq) FROM prunings) AND OLD.number < (SELECT max(number) FROM checkpoints) THEN
    RETURN OLD;
  END IF;
  RAISE EXCEPTION 'the audit is only ever added to: DELETE on % is refused', TG_TABLE_NAME;
END
$$;

CREATE FUNCTION audit_check_pruning() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.seq > COALESCE((SELECT max(seq) FROM prunings), 0)
    AND EXISTS (SELECT 1 FROM checkpoints WHERE seq = NEW.seq) THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'the audit is pruned from its beginning up to a checkpoint: % is none', NEW.seq;
END
$$;

CREATE TRIGGER entries_update BEFORE UPDATE ON entries
  FOR EACH ROW EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER entries_delete BEFORE DELETE ON entries
  FOR EACH ROW EXECUTE FUNCTION audit_refuse_unless_pruned();
CREATE TRIGGER entries_truncate BEFORE TRUNCATE ON entries
  FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();

CREATE TRIGGER entry_patients_update BEFORE UPDATE ON entry_patients
  FOR EACH ROW EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER entry_patients_delete BEFORE DELETE ON entry_patients
  FOR EACH ROW EXECUTE FUNCTION audit_refuse_unless_pruned();
CREATE TRIGGER entry_patients_truncate BEFORE TRUNCATE ON entry_patients
  FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();

CREATE TRIGGER checkpoints_update BEFORE UPDATE ON checkpoints
  FOR EACH ROW EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER checkpoints_delete BEFORE DELETE ON checkpoints
  FOR EACH ROW EXECUTE FUNCTION audit_refuse_unless_outlived();
CREATE TRIGGER checkpoints_truncate BEFORE TRUNCATE ON checkpoints
  FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();

CREATE TRIGGER checkpoint_keys_change BEFORE UPDATE OR DELETE ON checkpoint_keys
  FOR EACH ROW EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER checkpoint_keys_truncate BEFORE TRUNCATE ON checkpoint_keys
  FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();

CREATE TRIGGER prunings_insert BEFORE INSERT ON prunings
  FOR EACH ROW EXECUTE FUNCTION audit_check_pruning();
CREATE TRIGGER prunings_change BEFORE UPDATE OR DELETE ON prunings
  FOR EACH ROW EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER prunings_truncate BEFORE TRUNCATE ON prunings
  FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
