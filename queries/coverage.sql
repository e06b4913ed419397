-- coverage: how many days of each series of a country are there.
-- One row per (indicator, entity, scale_id).   Parameters: $cc.
-- A day without data is absent, never 0: absence may be the block itself.
-- Example: vpn-uptake query coverage -p cc=PK
SELECT
    indicator,
    entity,
    scale_id,
    min(CAST(t_start AS DATE)) AS first_day,
    max(CAST(t_start AS DATE)) AS last_day,
    count(DISTINCT CAST(t_start AS DATE)) AS days_with_a_row,
    datediff('day', min(t_start), max(t_start)) + 1 AS days_in_span,
    sum(CASE WHEN state <> 'value' THEN 1 ELSE 0 END) AS rows_without_value,
    min(quality) AS lowest_quality
FROM observations
WHERE cc = $cc
GROUP BY indicator, entity, scale_id
ORDER BY indicator, entity, scale_id;
