-- load_services: the shipped list of services, so that queries know which is a substitute for which.
-- Several statements; one row is: a service.   Parameters: none; reads the registered columns `batch`.
DELETE FROM services;
INSERT INTO services (service, category, substitute_for)
SELECT service, category, substitute_for
FROM batch;
