DROP TABLE message_attempts;
DROP TABLE reminders;
DROP TABLE appointments;
