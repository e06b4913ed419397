-- series_of_all: which series the store holds, over all countries.
-- One row per (indicator, asn, entity, unit, scale_id) with a value above zero.   Parameters: none.
-- Suppressed cells make no series; providers of captures are left out: what is printed goes down to families.
-- Example: vpn-uptake query series_of_all
SELECT
    indicator,
    asn,
    entity,
    unit,
    scale_id,
    count(DISTINCT cc) AS countries,
    min(t_start) AS first_start,
    max(t_end) AS last_end
FROM observations
WHERE value > 0 AND state <> 'suppressed' AND entity NOT LIKE 'provider=%'
GROUP BY indicator, asn, entity, unit, scale_id
ORDER BY indicator, asn, entity, unit, scale_id;
