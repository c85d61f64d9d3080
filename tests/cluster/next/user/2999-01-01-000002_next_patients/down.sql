ALTER TABLE patients DROP COLUMN next_language;
ALTER TABLE practitioners DROP COLUMN next_rooms;
