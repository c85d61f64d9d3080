ALTER TABLE push_subscriptions DROP COLUMN sealed;
