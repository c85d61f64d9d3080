DROP TABLE rebuilds;
DROP TABLE jobs;
DROP TABLE changed_days;
DROP TABLE cells;
