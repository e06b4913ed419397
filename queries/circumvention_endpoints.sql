-- circumvention_endpoints: how many distinct servers and server names circumvention in captures went to, per day.
-- One row per (day, family, kind, confidence).   Parameters: $cc.
-- Distinct values cannot be added: over several captures of a day the truth lies between the largest (`endpoints`) and the
-- sum (`endpoints_at_most`); with one capture both are the number itself. A server with two labels counts under both.
-- NULL: suppressed, too few clients. Numbers only: addresses and names are not in the store.
-- Example: vpn-uptake query circumvention_endpoints -p cc=PK
SELECT
    CAST(t_start AS DATE) AS day,
    family,
    CAST(kind AS VARCHAR) AS kind,
    CAST(confidence AS VARCHAR) AS confidence,
    max(endpoints) AS endpoints,
    CAST(sum(endpoints) AS BIGINT) AS endpoints_at_most,
    max(domains) AS domains,
    CAST(sum(domains) AS BIGINT) AS domains_at_most,
    count(*) AS captures,
    CAST(sum(CASE WHEN state = 'suppressed' THEN 1 ELSE 0 END) AS BIGINT) AS suppressed_captures
FROM endpoint_counts
WHERE cc = $cc
    AND kind IN ('tunnel', 'proxy', 'anonymity', 'covert')
    AND t_end - t_start = INTERVAL '1' DAY
GROUP BY CAST(t_start AS DATE), family, CAST(kind AS VARCHAR), CAST(confidence AS VARCHAR)
ORDER BY day, endpoints DESC NULLS LAST, family, kind, confidence;
