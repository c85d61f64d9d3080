DROP TABLE queue_changes;
DROP TABLE queue_tickets;
DROP TABLE queue_desks;
DROP TABLE queue_counters;
DROP TABLE queue_feed;
