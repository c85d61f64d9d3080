DROP INDEX practitioners_account;
ALTER TABLE practitioners DROP COLUMN department_id;
ALTER TABLE practitioners DROP COLUMN account_id;
DROP TABLE broken_glass;
DROP TABLE care_relations;
