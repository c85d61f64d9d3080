DROP TRIGGER checkpoint_keys_delete ON checkpoint_keys;
DROP TRIGGER checkpoint_keys_update ON checkpoint_keys;
CREATE TRIGGER checkpoint_keys_change BEFORE UPDATE OR DELETE ON checkpoint_keys
  FOR EACH ROW EXECUTE FUNCTION audit_refuse();
DROP FUNCTION audit_refuse_unless_handed_over();
