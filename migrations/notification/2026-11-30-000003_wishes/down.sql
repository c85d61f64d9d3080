DROP TABLE notification_templates;
DROP TABLE dead_addresses;
DROP TABLE push_subscriptions;
DROP TABLE notification_preferences;
DROP TABLE departments;
ALTER TABLE patients DROP COLUMN has_account;
ALTER TABLE patients DROP COLUMN language;
