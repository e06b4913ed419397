-- load_stage: a batch of rows of numpy columns into the staging table.
-- One row is: an observation.   Parameters: none; reads the registered columns `batch`, where NaN stands for NULL.
INSERT INTO staged
SELECT
    seq, line, indicator, cc, asn, entity, t_start, t_end,
    CASE WHEN isnan(value) THEN NULL ELSE value END,
    CASE WHEN isnan(low) THEN NULL ELSE low END,
    CASE WHEN isnan(high) THEN NULL ELSE high END,
    unit, state,
    CASE WHEN isnan(quality) THEN NULL ELSE quality END,
    CAST(CASE WHEN isnan(n) THEN NULL ELSE n END AS BIGINT),
    scale_id
FROM batch;
