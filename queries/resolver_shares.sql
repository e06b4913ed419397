-- resolver_shares: which DNS resolvers the clients in captures asked, and how, per day.
-- One row per (day, resolver, transport).   Parameters: $cc.
-- resolver `other` is none of the public ones we know: mostly the access provider's own. Queries are packets for udp and
-- flows for tcp, dot, doh and doq, which hold many queries each: compare shares within a transport, and the clients.
-- share: of all queries of the day; share_of_transport: of those of the same transport. encrypted_share: of the day's
-- queries over dot, doh and doq. suppressed_rows: hours with too few clients, which are in no number here.
-- Example: vpn-uptake query resolver_shares -p cc=PK
WITH asked AS (
    SELECT
        CAST(t_start AS DATE) AS day,
        resolver,
        transport,
        CAST(coalesce(sum(queries), 0) AS BIGINT) AS queries,
        max(clients) AS most_clients_in_an_hour,
        CAST(sum(CASE WHEN state = 'suppressed' THEN 1 ELSE 0 END) AS BIGINT) AS suppressed_rows
    FROM resolvers
    WHERE cc = $cc
    GROUP BY CAST(t_start AS DATE), resolver, transport
)
SELECT
    day,
    resolver,
    transport,
    queries,
    queries / nullif(sum(queries) OVER (PARTITION BY day), 0) AS share,
    queries / nullif(sum(queries) OVER (PARTITION BY day, transport), 0) AS share_of_transport,
    sum(CASE WHEN transport IN ('dot', 'doh', 'doq') THEN queries ELSE 0 END) OVER (PARTITION BY day)
    / nullif(sum(queries) OVER (PARTITION BY day), 0) AS encrypted_share,
    most_clients_in_an_hour,
    suppressed_rows
FROM asked
ORDER BY day, queries DESC, resolver, transport;
