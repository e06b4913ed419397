-- load_rejections: a batch of refused rows into the store.
-- One row is: a rejected row.   Parameters: $snapshot_id; reads the registered columns `batch`.
INSERT INTO rejections (snapshot_id, line, field, reason, text)
SELECT $snapshot_id, line, field, reason, text
FROM batch;
