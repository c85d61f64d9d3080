DROP INDEX practitioners_search;
DROP INDEX patients_search;
