-- Entries, checkpoints and keys are only ever added. What may go is what a row of `prunings` covers: the beginning
-- of the chain, up to a checkpoint. (Whoever can write the file can drop these triggers; the chain tells of it.)
CREATE TRIGGER entries_update BEFORE UPDATE ON entries
BEGIN SELECT RAISE(ABORT, 'the audit is only ever added to: UPDATE on entries is refused'); END;

CREATE TRIGGER entries_delete BEFORE DELETE ON entries
WHEN OLD.seq > COALESCE((SELECT max(seq) FROM prunings), 0)
BEGIN SELECT RAISE(ABORT, 'the audit is only ever added to: DELETE on entries is refused'); END;

CREATE TRIGGER entry_patients_update BEFORE UPDATE ON entry_patients
BEGIN SELECT RAISE(ABORT, 'the audit is only ever added to: UPDATE on entry_patients is refused'); END;

CREATE TRIGGER entry_patients_delete BEFORE DELETE ON entry_patients
WHEN OLD.seq > COALESCE((SELECT max(seq) FROM prunings), 0)
BEGIN SELECT RAISE(ABORT, 'the audit is only ever added to: DELETE on entry_patients is refused'); END;

CREATE TRIGGER checkpoints_update BEFORE UPDATE ON checkpoints
BEGIN SELECT RAISE(ABORT, 'the audit is only ever added to: UPDATE on checkpoints is refused'); END;

CREATE TRIGGER checkpoints_delete BEFORE DELETE ON checkpoints
WHEN OLD.seq > COALESCE((SELECT max(seq) FROM prunings), 0) OR OLD.number = (SELECT max(number) FROM checkpoints)
BEGIN SELECT RAISE(ABORT, 'the audit is only ever added to: DELETE on checkpoints is refused'); END;

CREATE TRIGGER checkpoint_keys_update BEFORE UPDATE ON checkpoint_keys
BEGIN SELECT RAISE(ABORT, 'the audit is only ever added to: UPDATE on checkpoint_keys is refused'); END;

CREATE TRIGGER checkpoint_keys_delete BEFORE DELETE ON checkpoint_keys
BEGIN SELECT RAISE(ABORT, 'the audit is only ever added to: DELETE on checkpoint_keys is refused'); END;

CREATE TRIGGER prunings_update BEFORE UPDATE ON prunings
BEGIN SELECT RAISE(ABORT, 'the audit is only ever added to: UPDATE on prunings is refused'); END;

CREATE TRIGGER prunings_delete BEFORE DELETE ON prunings
BEGIN SELECT RAISE(ABORT, 'the audit is only ever added to: DELETE on prunings is refused'); END;

CREATE TRIGGER prunings_insert BEFORE INSERT ON prunings
WHEN NEW.seq <= COALESCE((SELECT max(seq) FROM prunings), 0)
  OR NOT EXISTS (SELECT 1 FROM checkpoints WHERE seq = NEW.seq)
BEGIN SELECT RAISE(ABORT, 'the audit is pruned from its beginning up to a checkpoint'); END;

-- REPLACE deletes the old row without asking the triggers on DELETE, so it is kept from finding one. An entry that
-- is there already is passed over, as the service does it.
CREATE TRIGGER entries_replace BEFORE INSERT ON entries
BEGIN
  SELECT RAISE(IGNORE) WHERE EXISTS (SELECT 1 FROM entries WHERE id = NEW.id);
  SELECT RAISE(ABORT, 'the audit is only ever added to: REPLACE on entries is refused')
    WHERE EXISTS (SELECT 1 FROM entries WHERE seq = NEW.seq);
END;

CREATE TRIGGER checkpoints_replace BEFORE INSERT ON checkpoints
WHEN EXISTS (SELECT 1 FROM checkpoints WHERE number = NEW.number)
BEGIN SELECT RAISE(ABORT, 'the audit is only ever added to: REPLACE on checkpoints is refused'); END;

CREATE TRIGGER checkpoint_keys_replace BEFORE INSERT ON checkpoint_keys
WHEN EXISTS (SELECT 1 FROM checkpoint_keys WHERE id = NEW.id OR (active AND NEW.active))
BEGIN SELECT RAISE(IGNORE); END;
