DROP TABLE entry_patients;
DROP TABLE entries;
