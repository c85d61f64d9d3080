-- A page of 25 with its count, as the small stack asks for it.
\set page random(0, 399)
SELECT count(*) FROM patients;
SELECT id, mrn, first_name, last_name, date_of_birth, gender, phone, email, address, blood_group, created_at, updated_at
FROM patients ORDER BY last_name, id LIMIT 25 OFFSET 25 * :page;
