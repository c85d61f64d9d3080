DROP TABLE resources;
DROP TABLE holidays;
DROP TABLE schedules;
DROP TABLE appointment_types;
