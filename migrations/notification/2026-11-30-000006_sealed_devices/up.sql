-- Where messages of a browser or an app go, sealed under a key that is not in the database. In such a row `address` is a keyed
-- hash, by which the same browser is found again, and `kind` is `web` without keys: a former version leaves it alone.
ALTER TABLE push_subscriptions ADD COLUMN sealed TEXT;
