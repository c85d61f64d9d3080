-- Made by deploy/generate.py from the list of services.
-- For development: the password of each role is its name.
CREATE ROLE "auth" LOGIN PASSWORD 'auth';
CREATE DATABASE auth_db OWNER "auth";
CREATE ROLE "user" LOGIN PASSWORD 'user';
CREATE DATABASE user_db OWNER "user";
CREATE ROLE "appointment" LOGIN PASSWORD 'appointment';
CREATE DATABASE appointment_db OWNER "appointment";
CREATE ROLE "notification" LOGIN PASSWORD 'notification';
CREATE DATABASE notification_db OWNER "notification";
CREATE ROLE "metrics" LOGIN PASSWORD 'metrics';
CREATE DATABASE metrics_db OWNER "metrics";
CREATE ROLE "billing" LOGIN PASSWORD 'billing';
CREATE DATABASE billing_db OWNER "billing";
CREATE ROLE "audit" LOGIN PASSWORD 'audit';
CREATE DATABASE audit_db OWNER "audit";
