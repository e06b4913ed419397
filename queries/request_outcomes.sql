-- request_outcomes: what became of requests for a service in captures, per day.
-- One row per (day, protocol, outcome).   Parameters: $cc, $service.
-- outcome: answered; no_answer (dropped, or the capture ended); reset (TCP RST from the server's side before any answer);
-- redirected (HTTP 3xx); failed (DNS error). A forged DNS answer is an answer here. share: of the requests of that day and
-- protocol, without those in suppressed_rows (hours with too few clients).
-- Services are listed in analyzer/data/services.csv.
-- Example: vpn-uptake query request_outcomes -p cc=PK -p service=x
WITH asked AS (
    SELECT
        CAST(t_start AS DATE) AS day,
        protocol,
        outcome,
        CAST(coalesce(sum(flows), 0) AS BIGINT) AS flows,
        CAST(sum(CASE WHEN state = 'suppressed' THEN 1 ELSE 0 END) AS BIGINT) AS suppressed_rows
    FROM requests
    WHERE cc = $cc AND service = $service
    GROUP BY CAST(t_start AS DATE), protocol, outcome
)
SELECT
    day,
    protocol,
    outcome,
    flows,
    flows / nullif(sum(flows) OVER (PARTITION BY day, protocol), 0) AS share,
    suppressed_rows
FROM asked
ORDER BY day, protocol, flows DESC, outcome;
