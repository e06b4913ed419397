-- platform_shares: how the bytes of requests in captures are spread over platforms and their substitutes, per day.
-- One row per (day, service).   Parameters: $cc.
-- Over TLS, QUIC and HTTP flows whose request was seen; a service is told by the server name, so that what runs over a VPN,
-- or with an encrypted server name, is not in it. platform: what the service is a substitute for by our list (itself where
-- it is none). share: of all such bytes of the day; share_of_platform: among the platform and its substitutes.
-- suppressed_rows: hours and outcomes with too few clients, which are in no number here.
-- Example: vpn-uptake query platform_shares -p cc=PK
WITH asked AS (
    SELECT
        CAST(r.t_start AS DATE) AS day,
        r.service,
        coalesce(s.substitute_for, r.service) AS platform,
        CAST(coalesce(sum(r.flows), 0) AS BIGINT) AS flows,
        CAST(coalesce(sum(r.bytes_up + r.bytes_down), 0) AS BIGINT) AS bytes,
        CAST(sum(CASE WHEN r.state = 'suppressed' THEN 1 ELSE 0 END) AS BIGINT) AS suppressed_rows
    FROM requests AS r
    LEFT JOIN services AS s ON s.service = r.service
    WHERE r.cc = $cc AND r.protocol IN ('tls', 'quic', 'http')
    GROUP BY CAST(r.t_start AS DATE), r.service, coalesce(s.substitute_for, r.service)
)
SELECT
    day,
    service,
    platform,
    flows,
    bytes,
    bytes / nullif(sum(bytes) OVER (PARTITION BY day), 0) AS share,
    bytes / nullif(sum(bytes) OVER (PARTITION BY day, platform), 0) AS share_of_platform,
    suppressed_rows
FROM asked
ORDER BY day, bytes DESC, service;
