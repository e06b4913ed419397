-- indicator_types: types that mapping files stated for indicators of the user's own.
-- One row per (indicator, type): two types of one indicator are two files that disagree.   Parameters: none.
SELECT DISTINCT indicator, type
FROM indicator_types
ORDER BY indicator, type;
