DROP INDEX practitioners_specialty;
ALTER TABLE departments DROP COLUMN name;
ALTER TABLE practitioners DROP COLUMN specialty;
