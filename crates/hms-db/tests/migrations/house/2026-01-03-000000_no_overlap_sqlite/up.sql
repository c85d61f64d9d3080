CREATE TRIGGER stays_no_overlap BEFORE INSERT ON stays
WHEN EXISTS (SELECT 1 FROM stays WHERE from_on < NEW.until_on AND NEW.from_on < until_on)
BEGIN
    SELECT RAISE(ABORT, 'EXCLUSION: stays_no_overlap');
END;
