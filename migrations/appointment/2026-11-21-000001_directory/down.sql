DROP TABLE departments;
DROP TABLE practitioners;
DROP TABLE patients;
