-- Patients by a part of a name, as the small stack asks for them: no index helps.
\set page random(0, 3)
\set part random(1, 20)
SELECT count(*) FROM patients, (SELECT '%' || (array['nair', 'meno', 'silv', 'smit', 'wang', 'khan', 'ivan', 'garc', 'tana',
  'mens', 'schm', 'hadd', 'shar', 'lars', 'pill', 'faro', 'nova', 'zhan', 'lope', 'demi'])[:part] || '%' AS part) AS wanted
WHERE first_name ILIKE part OR last_name ILIKE part OR mrn ILIKE part;
SELECT id, mrn, first_name, last_name, date_of_birth, gender, phone, email, address, blood_group, created_at, updated_at
FROM patients, (SELECT '%' || (array['nair', 'meno', 'silv', 'smit', 'wang', 'khan', 'ivan', 'garc', 'tana', 'mens', 'schm',
  'hadd', 'shar', 'lars', 'pill', 'faro', 'nova', 'zhan', 'lope', 'demi'])[:part] || '%' AS part) AS wanted
WHERE first_name ILIKE part OR last_name ILIKE part OR mrn ILIKE part ORDER BY last_name, id LIMIT 25 OFFSET 25 * :page;
