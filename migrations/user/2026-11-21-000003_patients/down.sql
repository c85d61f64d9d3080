DROP TABLE patient_identifiers;
DROP TABLE patients;
