-- traffic_mix: what the bytes of captures were, per day, with the encrypted and the circumvention share.
-- One row per (day, class).   Parameters: $cc.
-- class: the kind of labelled flows; else what the traffic looks like; `unexplained_encrypted` has no header and is random
-- from the first byte; `suppressed` is the rest of the day's bytes, in rows with too few clients.
-- byte_share: of all IP bytes of the day, counted on outer packets. encrypted_share: of bytes that a filter cannot read
-- (TLS, QUIC, DTLS, SSH, unexplained encrypted, circumvention and what belongs to it). circumvention_share: tunnel, proxy,
-- anonymity, covert. Both leave out what is suppressed, so that they are lower bounds where such a row stands.
-- Days are UTC days; a day that is captured in part has a part of its bytes (quality in observations says how much).
-- Example: vpn-uptake query traffic_mix -p cc=PK
WITH totals AS (
    SELECT CAST(t_start AS DATE) AS day, sum(value) AS bytes
    FROM observations
    WHERE indicator = 'capture.bytes' AND entity = '' AND scale_id = 'day' AND state = 'value' AND cc = $cc
    GROUP BY CAST(t_start AS DATE)
),
labelled AS (
    SELECT
        CAST(t_start AS DATE) AS day,
        CASE
            WHEN kind IS NOT NULL THEN CAST(kind AS VARCHAR)
            WHEN family = 'encrypted' THEN 'unexplained_encrypted'
            ELSE family
        END AS class,
        bytes_up + bytes_down AS bytes
    FROM flows
    WHERE cc = $cc AND state = 'value'
),
shown AS (
    SELECT day, class, CAST(sum(bytes) AS BIGINT) AS bytes
    FROM labelled
    GROUP BY day, class
),
rest AS (
    SELECT t.day, 'suppressed' AS class, CAST(t.bytes - coalesce(sum(s.bytes), 0) AS BIGINT) AS bytes
    FROM totals AS t
    LEFT JOIN shown AS s ON s.day = t.day
    GROUP BY t.day, t.bytes
),
mix AS (
    SELECT day, class, bytes FROM shown
    UNION ALL
    SELECT day, class, bytes FROM rest WHERE bytes > 0
),
sorted AS (
    SELECT
        day, class, bytes,
        class IN ('tunnel', 'proxy', 'anonymity', 'covert') AS is_circumvention,
        class IN (
            'tls', 'quic', 'dtls', 'ssh', 'unexplained_encrypted', 'tunnel', 'proxy', 'anonymity', 'covert', 'control',
            'encrypted_dns', 'lookalike'
        ) AS is_encrypted
    FROM mix
)
SELECT
    m.day,
    m.class,
    m.bytes,
    m.bytes / t.bytes AS byte_share,
    sum(CASE WHEN m.is_encrypted THEN m.bytes ELSE 0 END) OVER (PARTITION BY m.day) / t.bytes AS encrypted_share,
    sum(CASE WHEN m.is_circumvention THEN m.bytes ELSE 0 END) OVER (PARTITION BY m.day) / t.bytes AS circumvention_share
FROM sorted AS m
LEFT JOIN totals AS t ON t.day = m.day
ORDER BY m.day, m.bytes DESC, m.class;
