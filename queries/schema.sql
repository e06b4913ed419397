-- schema: every table of the store. Grain and meaning stand on each table and column (also readable in any client
-- through duckdb_tables() and duckdb_columns()). Parameters: none.
-- Times are naive UTC TIMESTAMP: TIMESTAMPTZ made the same group-by 4 to 17 times slower and needs pytz in Python.
-- DuckDB only: ENUM types and COMMENT ON.

CREATE TYPE observation_state AS ENUM ('value', 'missing', 'below_threshold', 'suppressed');
CREATE TYPE time_precision AS ENUM ('minute', 'hour', 'day', 'week', 'month');
CREATE TYPE verdict AS ENUM ('rise', 'fall', 'inconclusive', 'ruled_out', 'not_estimable');
CREATE TYPE attribution AS ENUM ('supported', 'contested', 'other_cause', 'no_block_known', 'unclear');
CREATE TYPE verification AS ENUM ('confirmed', 'likely', 'contested', 'not_verifiable');
CREATE TYPE estimate_role AS ENUM ('primary', 'secondary', 'exploratory');
CREATE TYPE check_outcome AS ENUM ('passed', 'failed', 'informative');
CREATE TYPE flow_kind AS ENUM ('tunnel', 'control', 'proxy', 'anonymity', 'covert', 'encrypted_dns', 'encapsulation', 'lookalike');
CREATE TYPE flow_confidence AS ENUM ('header', 'name', 'dated_list', 'statistical');

CREATE TABLE snapshots (
    snapshot_id VARCHAR PRIMARY KEY,
    source VARCHAR NOT NULL,
    origin VARCHAR NOT NULL,
    sha256 VARCHAR NOT NULL UNIQUE,
    bytes BIGINT NOT NULL,
    retrieved_at TIMESTAMP,
    tool_version VARCHAR NOT NULL,
    licence VARCHAR NOT NULL,
    attribution VARCHAR NOT NULL,
    timezone VARCHAR NOT NULL,
    byte_basis VARCHAR,
    rows_loaded BIGINT NOT NULL,
    rows_rejected BIGINT NOT NULL,
    note VARCHAR NOT NULL DEFAULT ''
);
COMMENT ON TABLE snapshots IS 'One row per file as received';
COMMENT ON COLUMN snapshots.snapshot_id IS 'First 16 hexadecimal digits of sha256';
COMMENT ON COLUMN snapshots.source IS 'Name of the source that read it: see vpn-uptake sources';
COMMENT ON COLUMN snapshots.origin IS 'File name as given, or the address it was fetched from';
COMMENT ON COLUMN snapshots.sha256 IS 'SHA-256 of the bytes as received, before decompression';
COMMENT ON COLUMN snapshots.bytes IS 'Size as received, in bytes';
COMMENT ON COLUMN snapshots.retrieved_at IS 'When it was retrieved (UTC); NULL = not known, then nothing is marked provisional';
COMMENT ON COLUMN snapshots.tool_version IS 'Version of vpn-uptake that loaded it';
COMMENT ON COLUMN snapshots.licence IS 'Licence of the data, as far as its publisher states one';
COMMENT ON COLUMN snapshots.attribution IS 'How its publisher asks to be named';
COMMENT ON COLUMN snapshots.timezone IS 'Zone of the times in the file; everything is UTC in the store';
COMMENT ON COLUMN snapshots.byte_basis IS 'What a byte count counts (frame, IP, payload); NULL for series';
COMMENT ON COLUMN snapshots.rows_loaded IS 'Rows kept; of a capture: rows of flows';
COMMENT ON COLUMN snapshots.rows_rejected IS 'Rows refused: each stands in rejections; of a capture: packets that could not be read';
COMMENT ON COLUMN snapshots.note IS 'What a reader of its numbers has to know: a lower k, packet sampling, approximate counts of clients; empty = nothing';

CREATE TABLE observations (
    snapshot_id VARCHAR NOT NULL,
    indicator VARCHAR NOT NULL,
    cc VARCHAR NOT NULL,
    asn BIGINT NOT NULL,
    entity VARCHAR NOT NULL,
    t_start TIMESTAMP NOT NULL,
    t_end TIMESTAMP NOT NULL,
    value DOUBLE,
    low DOUBLE,
    high DOUBLE,
    unit VARCHAR NOT NULL,
    state observation_state NOT NULL,
    quality DOUBLE,
    n BIGINT,
    scale_id VARCHAR NOT NULL,
    PRIMARY KEY (snapshot_id, indicator, cc, asn, entity, t_start, scale_id)
);
COMMENT ON TABLE observations IS 'One row per snapshot, indicator, country, network, entity, interval and scale: what happened, not what it means';
COMMENT ON COLUMN observations.snapshot_id IS 'The file it came from';
COMMENT ON COLUMN observations.indicator IS 'What is counted, for example tor.bridge_users';
COMMENT ON COLUMN observations.cc IS 'ISO 3166-1 alpha-2; XX = world, ZZ = unknown or no country';
COMMENT ON COLUMN observations.asn IS 'Autonomous system number; 0 = none';
COMMENT ON COLUMN observations.entity IS 'App, transport, domain or test; empty = none. Of a capture: empty = all traffic, kind=K, family=F, confidence=C, provider=P (labelled flows), traffic=encrypted (flows without a label that are random from the first byte)';
COMMENT ON COLUMN observations.t_start IS 'First instant of the interval (UTC)';
COMMENT ON COLUMN observations.t_end IS 'First instant after the interval (UTC)';
COMMENT ON COLUMN observations.value IS 'The value; NULL unless state is value';
COMMENT ON COLUMN observations.low IS 'Lower bound stated by the source; for rank, nothing better is possible';
COMMENT ON COLUMN observations.high IS 'Upper bound stated by the source';
COMMENT ON COLUMN observations.unit IS 'Unit of value, low and high';
COMMENT ON COLUMN observations.state IS 'value, missing, below_threshold (or beyond the chart), suppressed; zero is a value';
COMMENT ON COLUMN observations.quality IS 'Share of reporters (Tor frac / 100) or coverage; of a capture: share of the interval between its first and last packet';
COMMENT ON COLUMN observations.n IS 'Sample behind the value; for a chart, its length; of a capture: distinct clients in the interval';
COMMENT ON COLUMN observations.scale_id IS 'Values with different ids are not comparable; of a capture: hour or day';

CREATE TABLE rejections (
    snapshot_id VARCHAR NOT NULL,
    line BIGINT NOT NULL,
    field VARCHAR NOT NULL,
    reason VARCHAR NOT NULL,
    text VARCHAR NOT NULL
);
COMMENT ON TABLE rejections IS 'One row per line (or record) of a file that was not loaded; of a capture: one row per reason';
COMMENT ON COLUMN rejections.snapshot_id IS 'The file it came from';
COMMENT ON COLUMN rejections.line IS 'Line number in the decompressed text, from 1; 0 = not a line';
COMMENT ON COLUMN rejections.field IS 'Column at fault; empty = the whole line';
COMMENT ON COLUMN rejections.reason IS 'What is wrong with it';
COMMENT ON COLUMN rejections.text IS 'The line as found; for flow logs and captures a redacted shape, never the line';

CREATE TABLE flows (
    snapshot_id VARCHAR NOT NULL,
    t_start TIMESTAMP NOT NULL,
    t_end TIMESTAMP NOT NULL,
    cc VARCHAR NOT NULL,
    asn BIGINT NOT NULL,
    family VARCHAR NOT NULL,
    provider VARCHAR NOT NULL,
    kind flow_kind,
    confidence flow_confidence,
    flows BIGINT,
    clients BIGINT,
    bytes_up BIGINT,
    bytes_down BIGINT,
    packets BIGINT,
    state observation_state NOT NULL
);
COMMENT ON TABLE flows IS 'One row per snapshot, hour, country, network and label: aggregates only, no address or name ever. Totals are over outer packets: a labelled flow inside a tunnel counts as a flow and for its client, with no bytes or packets, which are in the outer flow; one without a label is not counted here';
COMMENT ON COLUMN flows.snapshot_id IS 'The file it came from';
COMMENT ON COLUMN flows.t_start IS 'First instant of the hour (UTC) in which the flow record began';
COMMENT ON COLUMN flows.t_end IS 'First instant after the hour (UTC)';
COMMENT ON COLUMN flows.cc IS 'ISO 3166-1 alpha-2; XX = world, ZZ = unknown';
COMMENT ON COLUMN flows.asn IS 'Autonomous system number; 0 = none';
COMMENT ON COLUMN flows.family IS 'Protocol family; where kind is NULL what the traffic looks like: none (no payload), cut (not captured), other, encrypted (no header, random from the first byte: unexplained), tls, quic, dtls, http, dns, ssh, stun, ip';
COMMENT ON COLUMN flows.provider IS 'Operator from shipped lists, or empty';
COMMENT ON COLUMN flows.kind IS 'What the flow is for; NULL = unlabelled';
COMMENT ON COLUMN flows.confidence IS 'What the label rests on; NULL = unlabelled';
COMMENT ON COLUMN flows.flows IS 'Number of flows, in the hour in which each began; NULL when suppressed';
COMMENT ON COLUMN flows.clients IS 'Number of distinct clients (IPv4 address, IPv6 /64) with such a flow; NULL when suppressed';
COMMENT ON COLUMN flows.bytes_up IS 'IP bytes from the client; NULL when suppressed';
COMMENT ON COLUMN flows.bytes_down IS 'IP bytes to the client; NULL when suppressed';
COMMENT ON COLUMN flows.packets IS 'Packets both ways; NULL when suppressed';
COMMENT ON COLUMN flows.state IS 'value or suppressed (fewer than k clients, or needed to hide such a row)';

CREATE TABLE requests (
    snapshot_id VARCHAR NOT NULL, t_start TIMESTAMP NOT NULL, t_end TIMESTAMP NOT NULL, cc VARCHAR NOT NULL,
    asn BIGINT NOT NULL, service VARCHAR NOT NULL, protocol VARCHAR NOT NULL, outcome VARCHAR NOT NULL, flows BIGINT,
    clients BIGINT, bytes_up BIGINT, bytes_down BIGINT, state observation_state NOT NULL
);
COMMENT ON TABLE requests IS 'One row per snapshot, hour, country, network, service, protocol and outcome, over flows that carried a request';
COMMENT ON COLUMN requests.snapshot_id IS 'The file it came from';
COMMENT ON COLUMN requests.t_start IS 'First instant of the hour (UTC)';
COMMENT ON COLUMN requests.t_end IS 'First instant after the hour (UTC)';
COMMENT ON COLUMN requests.cc IS 'ISO 3166-1 alpha-2; XX = world, ZZ = unknown';
COMMENT ON COLUMN requests.asn IS 'Autonomous system number; 0 = none';
COMMENT ON COLUMN requests.service IS 'Service from shipped lists by the longest domain the name lies below, else other';
COMMENT ON COLUMN requests.protocol IS 'How it was asked for: dns (a look-up of its name), tls, quic, http, dtls';
COMMENT ON COLUMN requests.outcome IS 'What became of the request: answered, no_answer, reset, redirected, failed (DNS error)';
COMMENT ON COLUMN requests.flows IS 'Number of flows; NULL when suppressed';
COMMENT ON COLUMN requests.clients IS 'Number of distinct clients; NULL when suppressed';
COMMENT ON COLUMN requests.bytes_up IS 'IP bytes from the client in these flows; NULL when suppressed';
COMMENT ON COLUMN requests.bytes_down IS 'IP bytes to the client in these flows; NULL when suppressed';
COMMENT ON COLUMN requests.state IS 'value or suppressed';

CREATE TABLE resolvers (
    snapshot_id VARCHAR NOT NULL, t_start TIMESTAMP NOT NULL, t_end TIMESTAMP NOT NULL, cc VARCHAR NOT NULL,
    asn BIGINT NOT NULL, resolver VARCHAR NOT NULL, transport VARCHAR NOT NULL, queries BIGINT, clients BIGINT,
    state observation_state NOT NULL
);
COMMENT ON TABLE resolvers IS 'One row per snapshot, hour, country, network, DNS resolver and transport';
COMMENT ON COLUMN resolvers.snapshot_id IS 'The file it came from';
COMMENT ON COLUMN resolvers.t_start IS 'First instant of the hour (UTC)';
COMMENT ON COLUMN resolvers.t_end IS 'First instant after the hour (UTC)';
COMMENT ON COLUMN resolvers.cc IS 'ISO 3166-1 alpha-2; XX = world, ZZ = unknown';
COMMENT ON COLUMN resolvers.asn IS 'Autonomous system number; 0 = none';
COMMENT ON COLUMN resolvers.resolver IS 'Public resolver by published address or host name, else other (mostly the access provider''s own)';
COMMENT ON COLUMN resolvers.transport IS 'udp, tcp, dot, doh, doq';
COMMENT ON COLUMN resolvers.queries IS 'udp: packets from the client; tcp, dot, doh, doq: flows, each of which may hold many queries; NULL when suppressed';
COMMENT ON COLUMN resolvers.clients IS 'Number of distinct clients; NULL when suppressed';
COMMENT ON COLUMN resolvers.state IS 'value or suppressed';

CREATE TABLE endpoint_counts (
    snapshot_id VARCHAR NOT NULL, t_start TIMESTAMP NOT NULL, t_end TIMESTAMP NOT NULL, cc VARCHAR NOT NULL,
    asn BIGINT NOT NULL, family VARCHAR NOT NULL, kind flow_kind, confidence flow_confidence, endpoints BIGINT,
    domains BIGINT, state observation_state NOT NULL
);
COMMENT ON TABLE endpoint_counts IS 'One row per snapshot, interval (hour, and day by t_end), country, network and label: how many distinct endpoints';
COMMENT ON COLUMN endpoint_counts.snapshot_id IS 'The file it came from';
COMMENT ON COLUMN endpoint_counts.t_start IS 'First instant of the hour or day (UTC)';
COMMENT ON COLUMN endpoint_counts.t_end IS 'First instant after the hour or day (UTC)';
COMMENT ON COLUMN endpoint_counts.cc IS 'ISO 3166-1 alpha-2; XX = world, ZZ = unknown';
COMMENT ON COLUMN endpoint_counts.asn IS 'Autonomous system number; 0 = none';
COMMENT ON COLUMN endpoint_counts.family IS 'Protocol family';
COMMENT ON COLUMN endpoint_counts.kind IS 'What the flows are for';
COMMENT ON COLUMN endpoint_counts.confidence IS 'What the label rests on';
COMMENT ON COLUMN endpoint_counts.endpoints IS 'Distinct server addresses, not additive over hours; NULL when suppressed';
COMMENT ON COLUMN endpoint_counts.domains IS 'Distinct server names, not additive over hours; NULL when suppressed';
COMMENT ON COLUMN endpoint_counts.state IS 'value or suppressed';

CREATE TABLE services (
    service VARCHAR NOT NULL,
    category VARCHAR NOT NULL,
    substitute_for VARCHAR NOT NULL
);
COMMENT ON TABLE services IS 'One row per service that requests can name: the list shipped with the version that last loaded a capture';
COMMENT ON COLUMN services.service IS 'Name, as in requests.service';
COMMENT ON COLUMN services.category IS 'platform, video, audio, search, knowledge, measurement';
COMMENT ON COLUMN services.substitute_for IS 'The platform that people leave for it when that is blocked; itself where there is none';

CREATE TABLE blocks (
    block_id VARCHAR PRIMARY KEY,
    cc VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    onset_earliest TIMESTAMP NOT NULL,
    onset_latest TIMESTAMP NOT NULL,
    end_earliest TIMESTAMP,
    end_latest TIMESTAMP,
    start_precision time_precision NOT NULL,
    end_precision time_precision,
    kind VARCHAR NOT NULL,
    scope VARCHAR NOT NULL,
    services VARCHAR[] NOT NULL,
    discovery_route VARCHAR NOT NULL,
    snapshot_id VARCHAR NOT NULL
);
COMMENT ON TABLE blocks IS 'One row per restriction';
COMMENT ON COLUMN blocks.block_id IS 'cc[-region]-YYYY-MM[-DD][-word]';
COMMENT ON COLUMN blocks.cc IS 'ISO 3166-1 alpha-2';
COMMENT ON COLUMN blocks.name IS 'Short name';
COMMENT ON COLUMN blocks.onset_earliest IS 'Earliest instant at which it may have begun (UTC)';
COMMENT ON COLUMN blocks.onset_latest IS 'Latest instant at which it may have begun (UTC)';
COMMENT ON COLUMN blocks.end_earliest IS 'Earliest instant at which it may have ended; NULL = in force or not known';
COMMENT ON COLUMN blocks.end_latest IS 'Latest instant at which it may have ended; NULL = in force or not known';
COMMENT ON COLUMN blocks.start_precision IS 'How precisely the onset is known';
COMMENT ON COLUMN blocks.end_precision IS 'How precisely the end is known; NULL where there is none';
COMMENT ON COLUMN blocks.kind IS 'What was done: gives the sign one would expect';
COMMENT ON COLUMN blocks.scope IS 'Nationwide, regional, by operator';
COMMENT ON COLUMN blocks.services IS 'What was hit; internet = everything, vpn = circumvention tools themselves';
COMMENT ON COLUMN blocks.discovery_route IS 'How it came to be known: order, measurement, press, vendor, scan; empty = not recorded';
COMMENT ON COLUMN blocks.snapshot_id IS 'The table it came from';

CREATE TABLE non_events (
    block_id VARCHAR PRIMARY KEY,
    cc VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    onset_earliest TIMESTAMP NOT NULL,
    onset_latest TIMESTAMP NOT NULL,
    end_earliest TIMESTAMP,
    end_latest TIMESTAMP,
    start_precision time_precision NOT NULL,
    end_precision time_precision,
    kind VARCHAR NOT NULL,
    scope VARCHAR NOT NULL,
    services VARCHAR[] NOT NULL,
    discovery_route VARCHAR NOT NULL,
    snapshot_id VARCHAR NOT NULL
);
COMMENT ON TABLE non_events IS 'One row per election, announcement, court step, protest or outage without a change of access';
COMMENT ON COLUMN non_events.block_id IS 'cc[-region]-YYYY-MM[-DD][-word]; unique over blocks and non_events together';
COMMENT ON COLUMN non_events.cc IS 'ISO 3166-1 alpha-2; XX = world';
COMMENT ON COLUMN non_events.name IS 'Short name';
COMMENT ON COLUMN non_events.onset_earliest IS 'Earliest instant at which it may have begun (UTC)';
COMMENT ON COLUMN non_events.onset_latest IS 'Latest instant at which it may have begun (UTC)';
COMMENT ON COLUMN non_events.end_earliest IS 'Earliest instant at which it may have ended; NULL = not known';
COMMENT ON COLUMN non_events.end_latest IS 'Latest instant at which it may have ended; NULL = not known';
COMMENT ON COLUMN non_events.start_precision IS 'How precisely the onset is known';
COMMENT ON COLUMN non_events.end_precision IS 'How precisely the end is known; NULL where there is none';
COMMENT ON COLUMN non_events.kind IS 'election, rally, protest, court_order, official_statement, announcement, draft_law, holiday, exam, war, attack, disaster, coup, control, control_outage';
COMMENT ON COLUMN non_events.scope IS 'Nationwide, regional, by operator';
COMMENT ON COLUMN non_events.services IS 'What it was about';
COMMENT ON COLUMN non_events.discovery_route IS 'How it came to be known; empty = not recorded';
COMMENT ON COLUMN non_events.snapshot_id IS 'The table it came from';

CREATE TABLE block_claims (
    block_id VARCHAR NOT NULL,
    who VARCHAR NOT NULL,
    says VARCHAR NOT NULL,
    address VARCHAR NOT NULL,
    stated_at VARCHAR NOT NULL,
    snapshot_id VARCHAR NOT NULL
);
COMMENT ON TABLE block_claims IS 'One row per statement about a block or non-event; claims that disagree are all kept';
COMMENT ON COLUMN block_claims.block_id IS 'The block or non-event it is about';
COMMENT ON COLUMN block_claims.who IS 'Who says so';
COMMENT ON COLUMN block_claims.says IS 'What is said, in our words';
COMMENT ON COLUMN block_claims.address IS 'Page or table read; empty = not recorded';
COMMENT ON COLUMN block_claims.stated_at IS 'Date of the statement, as precise as known; empty = not known';
COMMENT ON COLUMN block_claims.snapshot_id IS 'The table it came from';

CREATE TABLE published (
    block_id VARCHAR NOT NULL,
    publisher VARCHAR NOT NULL,
    indicator VARCHAR NOT NULL,
    window_start DATE NOT NULL,
    window_end DATE NOT NULL,
    value DOUBLE NOT NULL,
    unit VARCHAR NOT NULL,
    baseline VARCHAR NOT NULL,
    address VARCHAR NOT NULL,
    role VARCHAR NOT NULL,
    source_grade VARCHAR NOT NULL,
    note VARCHAR NOT NULL,
    snapshot_id VARCHAR NOT NULL
);
COMMENT ON TABLE published IS 'One row per figure as a publisher gave it; compared with, never pooled';
COMMENT ON COLUMN published.block_id IS 'The block or non-event it is about';
COMMENT ON COLUMN published.publisher IS 'Who computed it';
COMMENT ON COLUMN published.indicator IS 'What was counted, in the publisher''s terms';
COMMENT ON COLUMN published.window_start IS 'First day the figure is about';
COMMENT ON COLUMN published.window_end IS 'Last day the figure is about (inclusive)';
COMMENT ON COLUMN published.value IS 'The number as published';
COMMENT ON COLUMN published.unit IS 'percent_over_baseline p = (1 + p/100) x base; multiple_of_baseline m = m x base; others absolute';
COMMENT ON COLUMN published.baseline IS 'The base as the publisher words it';
COMMENT ON COLUMN published.address IS 'Page read';
COMMENT ON COLUMN published.role IS 'day, peak, window, level, control and so on';
COMMENT ON COLUMN published.source_grade IS 'publisher, publisher_quote, press, mirror, secondary';
COMMENT ON COLUMN published.note IS 'Slips, and conflicts with other rows';
COMMENT ON COLUMN published.snapshot_id IS 'The table it came from';

CREATE TABLE plans (
    plan_id VARCHAR PRIMARY KEY,
    frozen_at TIMESTAMP,
    content VARCHAR NOT NULL
);
COMMENT ON TABLE plans IS 'One row per question fixed by its hash; append-only. Whether that was before its data is computed: vpn-uptake plan list';
COMMENT ON COLUMN plans.plan_id IS 'SHA-256 of content';
COMMENT ON COLUMN plans.frozen_at IS 'When it was frozen, by the clock of the computer (UTC)';
COMMENT ON COLUMN plans.content IS 'The plan, as canonical JSON';

CREATE TABLE runs (
    run_id VARCHAR PRIMARY KEY,
    asked_at TIMESTAMP NOT NULL,
    question VARCHAR NOT NULL,
    data_hash VARCHAR NOT NULL,
    tool_version VARCHAR NOT NULL
);
COMMENT ON TABLE runs IS 'One row per question asked, shown or not, and per plan frozen; append-only';
COMMENT ON COLUMN runs.run_id IS 'First 16 hexadecimal digits of SHA-256 of time and question';
COMMENT ON COLUMN runs.asked_at IS 'When (UTC)';
COMMENT ON COLUMN runs.question IS 'What was asked, as canonical JSON';
COMMENT ON COLUMN runs.data_hash IS 'SHA-256 over the snapshots the answer rests on';
COMMENT ON COLUMN runs.tool_version IS 'Version of vpn-uptake';

CREATE TABLE estimates (
    run_id VARCHAR NOT NULL,
    block_id VARCHAR NOT NULL,
    cc VARCHAR NOT NULL,
    indicator VARCHAR NOT NULL,
    entity VARCHAR NOT NULL,
    horizon VARCHAR NOT NULL,
    estimand VARCHAR NOT NULL,
    observed DOUBLE,
    expected DOUBLE,
    expected_low DOUBLE,
    expected_high DOUBLE,
    ratio DOUBLE,
    ratio_low DOUBLE,
    ratio_high DOUBLE,
    excess DOUBLE,
    excess_low DOUBLE,
    excess_high DOUBLE,
    base VARCHAR NOT NULL,
    exposure_hours DOUBLE,
    minimum_detectable_ratio DOUBLE,
    placebo_rank BIGINT,
    placebo_n BIGINT,
    verdict verdict NOT NULL,
    attribution attribution NOT NULL,
    verification verification NOT NULL,
    role estimate_role NOT NULL,
    plan_id VARCHAR NOT NULL,
    reasons VARCHAR NOT NULL,
    method VARCHAR NOT NULL,
    version VARCHAR NOT NULL
);
COMMENT ON TABLE estimates IS 'One row per run, indicator, entity, horizon and estimand; append-only: a re-run adds';
COMMENT ON COLUMN estimates.run_id IS 'The run it belongs to';
COMMENT ON COLUMN estimates.block_id IS 'The block, or cc-date for a date that is no block';
COMMENT ON COLUMN estimates.cc IS 'ISO 3166-1 alpha-2';
COMMENT ON COLUMN estimates.indicator IS 'What is counted';
COMMENT ON COLUMN estimates.entity IS 'App, transport, family ...; empty = none';
COMMENT ON COLUMN estimates.horizon IS 'during, Nh or Nd: totals from the first step wholly after onset';
COMMENT ON COLUMN estimates.estimand IS 'no_block_since_base or just_before';
COMMENT ON COLUMN estimates.observed IS 'Total over the observed steps of the horizon';
COMMENT ON COLUMN estimates.expected IS 'Expected total over the same steps without the block';
COMMENT ON COLUMN estimates.expected_low IS 'Lower end of the 95 % interval of expected';
COMMENT ON COLUMN estimates.expected_high IS 'Upper end of the 95 % interval of expected';
COMMENT ON COLUMN estimates.ratio IS 'observed / expected';
COMMENT ON COLUMN estimates.ratio_low IS 'Lower end of the 95 % interval of ratio';
COMMENT ON COLUMN estimates.ratio_high IS 'Upper end of the 95 % interval of ratio';
COMMENT ON COLUMN estimates.excess IS 'observed - expected';
COMMENT ON COLUMN estimates.excess_low IS 'Lower end of the 95 % interval of excess';
COMMENT ON COLUMN estimates.excess_high IS 'Upper end of the 95 % interval of excess';
COMMENT ON COLUMN estimates.base IS 'First and last day of the base, with what was masked';
COMMENT ON COLUMN estimates.exposure_hours IS 'Hours of the onset step that lie after onset; the step itself is in no horizon';
COMMENT ON COLUMN estimates.minimum_detectable_ratio IS 'Smallest true ratio this base would find in 80 % of cases';
COMMENT ON COLUMN estimates.placebo_rank IS 'Rank of |log ratio| among placebo windows, 1 = most extreme';
COMMENT ON COLUMN estimates.placebo_n IS 'Number of placebo windows';
COMMENT ON COLUMN estimates.verdict IS 'What the interval says, by the rules version';
COMMENT ON COLUMN estimates.attribution IS 'What may be said about the cause, by the rules version';
COMMENT ON COLUMN estimates.verification IS 'Whether the block itself was measured';
COMMENT ON COLUMN estimates.role IS 'primary or secondary under a frozen plan, else exploratory';
COMMENT ON COLUMN estimates.plan_id IS 'The frozen plan; empty = none';
COMMENT ON COLUMN estimates.reasons IS 'Why the row says what it says';
COMMENT ON COLUMN estimates.method IS 'Estimator and its settings';
COMMENT ON COLUMN estimates.version IS 'Versions of the tool and of the rules';

CREATE TABLE checks (
    run_id VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    outcome check_outcome NOT NULL,
    sentence VARCHAR NOT NULL,
    detail VARCHAR NOT NULL
);
COMMENT ON TABLE checks IS 'One row per run and attempt to break its estimates; append-only';
COMMENT ON COLUMN checks.run_id IS 'The run it belongs to';
COMMENT ON COLUMN checks.name IS 'The check';
COMMENT ON COLUMN checks.outcome IS 'passed, failed or informative';
COMMENT ON COLUMN checks.sentence IS 'What it found, in words';
COMMENT ON COLUMN checks.detail IS 'Its table, as JSON';
