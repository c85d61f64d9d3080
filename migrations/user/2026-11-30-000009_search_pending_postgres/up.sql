-- New rows wait in a list that each search goes through, until it is as long as this (kB): the default of 4 MB would make
-- a search ten times as long as the index does.
ALTER INDEX patients_search SET (gin_pending_list_limit = 256);
ALTER INDEX practitioners_search SET (gin_pending_list_limit = 256);
