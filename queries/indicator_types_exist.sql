-- indicator_types_exist: has any load stated a type for an indicator of the user's own?
-- One row: exists.   Parameters: none.
SELECT count(*) > 0 AS exists
FROM information_schema.tables
WHERE table_name = 'indicator_types';
