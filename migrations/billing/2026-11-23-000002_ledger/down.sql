DROP TABLE postings;
DROP TABLE entries;
DROP TABLE closed_periods;
DROP TABLE accounts;
