DROP TABLE department_identifiers;
DROP TABLE departments;
