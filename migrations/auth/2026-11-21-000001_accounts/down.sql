DROP TABLE passwords;
DROP TABLE account_roles;
DROP TABLE accounts;
