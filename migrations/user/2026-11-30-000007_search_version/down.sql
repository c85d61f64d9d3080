DROP INDEX departments_unfolded;
DROP INDEX practitioners_unfolded;
DROP INDEX patients_unfolded;
ALTER TABLE departments DROP COLUMN search_version;
ALTER TABLE practitioners DROP COLUMN search_version;
ALTER TABLE patients DROP COLUMN search_version;
