-- Entries and postings are only ever added, and an entry that does not balance is refused.
--
-- SQLite checks nothing at the commit but foreign keys. So the postings are written first, their foreign key waits for
-- the commit, and the entry that comes last seals them: it must find them balanced, and after it none is taken.
CREATE TRIGGER entries_balanced AFTER INSERT ON entries
BEGIN
  SELECT RAISE(ABORT, 'the postings of the entry do not balance')
    WHERE (SELECT count(*) FROM postings WHERE entry_id = NEW.id) < 2
      OR (SELECT COALESCE(sum(amount), 0) FROM postings WHERE entry_id = NEW.id) <> 0;
END;

CREATE TRIGGER postings_sealed BEFORE INSERT ON postings
WHEN EXISTS (SELECT 1 FROM entries WHERE id = NEW.entry_id)
BEGIN SELECT RAISE(ABORT, 'the entry is complete: it takes no more postings'); END;

CREATE TRIGGER entries_open BEFORE INSERT ON entries
WHEN NEW.booked_on <= (SELECT max(last_day) FROM closed_periods)
BEGIN SELECT RAISE(ABORT, 'EXCLUSION: entries_period_open'); END;

CREATE TRIGGER entries_update BEFORE UPDATE ON entries
BEGIN SELECT RAISE(ABORT, 'the ledger is only ever added to: UPDATE on entries is refused'); END;
CREATE TRIGGER entries_delete BEFORE DELETE ON entries
BEGIN SELECT RAISE(ABORT, 'the ledger is only ever added to: DELETE on entries is refused'); END;
CREATE TRIGGER postings_update BEFORE UPDATE ON postings
BEGIN SELECT RAISE(ABORT, 'the ledger is only ever added to: UPDATE on postings is refused'); END;
CREATE TRIGGER postings_delete BEFORE DELETE ON postings
BEGIN SELECT RAISE(ABORT, 'the ledger is only ever added to: DELETE on postings is refused'); END;

-- REPLACE deletes the old row without asking the triggers on DELETE, so it is kept from finding one.
CREATE TRIGGER entries_replace BEFORE INSERT ON entries
WHEN EXISTS (SELECT 1 FROM entries WHERE id = NEW.id OR (NEW.reverses IS NOT NULL AND reverses = NEW.reverses))
BEGIN SELECT RAISE(ABORT, 'the ledger is only ever added to: REPLACE on entries is refused'); END;
CREATE TRIGGER postings_replace BEFORE INSERT ON postings
WHEN EXISTS (SELECT 1 FROM postings WHERE entry_id = NEW.entry_id AND position = NEW.position)
BEGIN SELECT RAISE(ABORT, 'the ledger is only ever added to: REPLACE on postings is refused'); END;

-- What was issued says for ever what it says.
CREATE TRIGGER invoices_fixed BEFORE UPDATE ON invoices
WHEN OLD.serial IS NOT NULL AND (
  NEW.series IS NOT OLD.series OR NEW.serial IS NOT OLD.serial OR NEW.lines IS NOT OLD.lines
  OR NEW.total <> OLD.total OR NEW.net <> OLD.net OR NEW.currency <> OLD.currency
  OR NEW.patient_id <> OLD.patient_id OR NEW.status = 'draft' OR NEW.issued_on IS NOT OLD.issued_on
)
BEGIN SELECT RAISE(ABORT, 'an invoice that was issued does not change its content'); END;
CREATE TRIGGER invoices_kept BEFORE DELETE ON invoices WHEN OLD.serial IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'an invoice that was issued is not deleted'); END;
