-- series_of_country: which series the store holds for a country.
-- One row per (indicator, asn, entity, unit, scale_id).   Parameters: $cc.
-- A value of state missing still makes a series; absence of a day is not shown here.
-- Providers of captures are left out: what is printed goes down to families.
-- Example: vpn-uptake query series_of_country -p cc=PK
SELECT
    indicator,
    asn,
    entity,
    unit,
    scale_id,
    min(t_start) AS first_start,
    max(t_end) AS last_end,
    count(*) AS rows_in_store,
    sum(CASE WHEN value <> 0 THEN 1 ELSE 0 END) AS rows_above_zero
FROM observations
WHERE cc = $cc AND entity NOT LIKE 'provider=%'
GROUP BY indicator, asn, entity, unit, scale_id
ORDER BY indicator, asn, entity, scale_id;
