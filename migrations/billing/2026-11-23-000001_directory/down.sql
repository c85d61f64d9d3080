DROP TABLE coverages;
DROP TABLE payers;
DROP TABLE catalogue_prices;
DROP TABLE catalogue_items;
DROP TABLE departments;
DROP TABLE practitioners;
DROP TABLE patients;
