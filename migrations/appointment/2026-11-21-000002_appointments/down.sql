DROP TABLE appointment_identifiers;
DROP TABLE appointments;
