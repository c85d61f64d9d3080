ALTER INDEX practitioners_search RESET (gin_pending_list_limit);
ALTER INDEX patients_search RESET (gin_pending_list_limit);
