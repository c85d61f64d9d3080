-- A key that was handed over to another one signs no more, and its private half is deleted: the one change of a key.
CREATE FUNCTION audit_refuse_unless_handed_over() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.active AND NOT NEW.active AND NEW.pkcs8 = '' AND NEW.id = OLD.id AND NEW.public_key = OLD.public_key
    AND NEW.created_at = OLD.created_at THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'the audit is only ever added to: UPDATE on checkpoint_keys is refused';
END
$$;

DROP TRIGGER checkpoint_keys_change ON checkpoint_keys;
CREATE TRIGGER checkpoint_keys_update BEFORE UPDATE ON checkpoint_keys
  FOR EACH ROW EXECUTE FUNCTION audit_refuse_unless_handed_over();
CREATE TRIGGER checkpoint_keys_delete BEFORE DELETE ON checkpoint_keys
  FOR EACH ROW EXECUTE FUNCTION audit_refuse();
