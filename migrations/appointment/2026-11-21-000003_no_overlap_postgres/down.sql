ALTER TABLE appointments DROP CONSTRAINT appointments_no_overlap;
DROP EXTENSION btree_gist;
