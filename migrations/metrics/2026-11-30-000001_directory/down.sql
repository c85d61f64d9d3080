DROP TABLE departments;
DROP TABLE practitioners;
