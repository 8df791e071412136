-- Deliveries stand in a table of their own: a search through receipts reads no bodies.

CREATE TABLE envelopes (
  n              INTEGER PRIMARY KEY,  -- of the receipt
  headers        TEXT NOT NULL,        -- JSON object, without signatures
  segment        TEXT NOT NULL,        -- where it was sent to; '' when that was not noted
  signed_by      TEXT NOT NULL,        -- JSON array of instances
  cut_from_bytes INTEGER,              -- the whole body's length, when only its beginning is kept
  unpacked_bytes INTEGER,              -- the kept body's length, when it is packed
  body           BLOB NOT NULL
);
INSERT INTO envelopes
  SELECT n, json_remove(headers, '$."x-al-cut-from-bytes"'), '', '[]',
         CAST(headers ->> '$."x-al-cut-from-bytes"' AS INTEGER), NULL, body
  FROM receipts WHERE headers IS NOT NULL AND body IS NOT NULL;

CREATE TABLE receipts_2 (
  n         INTEGER PRIMARY KEY,
  id        TEXT NOT NULL UNIQUE,
  at        INTEGER NOT NULL,
  kind      TEXT NOT NULL,
  source    TEXT NOT NULL,
  summary   TEXT NOT NULL,
  dedupe    TEXT,
  outcome   TEXT NOT NULL,
  runs      TEXT NOT NULL,             -- JSON array of run ids
  skipped   TEXT NOT NULL,             -- JSON array of [agent, why]
  times     INTEGER NOT NULL DEFAULT 1,
  last_at   INTEGER,                   -- when it came again for the last time
  reason    TEXT,                      -- why it was refused, in a word
  by        TEXT,                      -- addresses of what was refused, who ordered a replay
  replay_of TEXT
);
INSERT INTO receipts_2 (n, id, at, kind, source, summary, dedupe, outcome, runs, skipped)
  SELECT n, id, at, kind, source, summary, dedupe, outcome, runs, skipped FROM receipts;
DROP TABLE receipts;
ALTER TABLE receipts_2 RENAME TO receipts;
CREATE UNIQUE INDEX receipts_dedupe ON receipts (dedupe) WHERE dedupe IS NOT NULL;
CREATE INDEX receipts_rerun ON receipts (source) WHERE kind = 'rerun';

-- The few that somebody may have to look after.
CREATE INDEX receipts_dead ON receipts (n)
  WHERE kind = 'webhook' AND outcome IN ('no_match', 'refused');
