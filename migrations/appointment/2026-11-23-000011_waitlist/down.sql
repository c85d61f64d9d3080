DROP TABLE waitlist_offers;
DROP TABLE waitlist_openings;
DROP TABLE waitlist_entries;
