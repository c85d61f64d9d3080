DROP TABLE holidays;
DROP TABLE schedules;
DROP TABLE patients;
DROP TABLE payments;
DROP TABLE bills;
DROP TABLE tickets;
DROP TABLE appointments;
