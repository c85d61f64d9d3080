DROP TRIGGER checkpoint_keys_update;
CREATE TRIGGER checkpoint_keys_update BEFORE UPDATE ON checkpoint_keys
BEGIN SELECT RAISE(ABORT, 'the audit is only ever added to: UPDATE on checkpoint_keys is refused'); END;
