-- load_double_rejections: doubles of a batch of lines, with the text of their lines, into the rejections.
-- One row is: a rejected row.   Parameters: $snapshot_id; reads the registered columns `batch` (line, text).
INSERT INTO rejections (snapshot_id, line, field, reason, text)
SELECT $snapshot_id, d.line, '', d.reason, b.text
FROM doubles AS d
JOIN batch AS b ON b.line = d.line
ORDER BY d.seq;
