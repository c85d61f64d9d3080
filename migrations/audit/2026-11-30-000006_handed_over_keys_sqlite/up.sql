-- A key that was handed over to another one signs no more, and its private half is deleted: the one change of a key.
DROP TRIGGER checkpoint_keys_update;
CREATE TRIGGER checkpoint_keys_update BEFORE UPDATE ON checkpoint_keys
WHEN NOT (
  OLD.active AND NOT NEW.active AND NEW.pkcs8 = '' AND NEW.id = OLD.id AND NEW.public_key = OLD.public_key
  AND NEW.created_at = OLD.created_at
)
BEGIN SELECT RAISE(ABORT, 'the audit is only ever added to: UPDATE on checkpoint_keys is refused'); END;
