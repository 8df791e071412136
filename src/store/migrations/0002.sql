-- Retries, priorities, lanes, calls, waits and locks. The table of runs is made anew so that the
-- payload stays its last column: a list never reads payloads.

CREATE TABLE runs_2 (
  seq          INTEGER PRIMARY KEY,
  id           TEXT NOT NULL UNIQUE,
  agent        TEXT NOT NULL,
  state        TEXT NOT NULL,
  why          TEXT NOT NULL,         -- JSON
  kind         TEXT NOT NULL,
  source       TEXT NOT NULL,
  summary      TEXT NOT NULL,
  receipt      TEXT NOT NULL,
  attempt      INTEGER NOT NULL DEFAULT 0,
  stopping     TEXT,                  -- JSON
  queued_at    INTEGER NOT NULL,
  started_at   INTEGER,
  ended_at     INTEGER,
  exit_code    INTEGER,
  status       TEXT,
  return_value TEXT,
  rerun        INTEGER NOT NULL DEFAULT 0,
  wants_rerun  INTEGER NOT NULL DEFAULT 0,
  priority     TEXT NOT NULL,
  place        INTEGER NOT NULL,
  lane         TEXT,
  key          TEXT,
  not_before   INTEGER,
  caller       TEXT,
  depth        INTEGER NOT NULL DEFAULT 0,
  retries      INTEGER NOT NULL DEFAULT 0,
  wait         TEXT,
  pace         TEXT NOT NULL DEFAULT 'going',
  payload      TEXT NOT NULL          -- JSON, what the run is told about its trigger
);
INSERT INTO runs_2
  SELECT seq, id, agent, state, why, kind, source, summary, receipt, attempt, stopping, queued_at,
         started_at, ended_at, exit_code, status, return_value, rerun, wants_rerun,
         'normal', seq, NULL, NULL, NULL, NULL, 0, 0, NULL, 'going', payload
  FROM runs;
DROP TABLE runs;
ALTER TABLE runs_2 RENAME TO runs;
CREATE INDEX runs_agent ON runs (agent, seq);
CREATE INDEX runs_live ON runs (seq) WHERE ended_at IS NULL;
CREATE INDEX runs_caller ON runs (caller) WHERE caller IS NOT NULL;

ALTER TABLE pauses ADD COLUMN hold TEXT NOT NULL DEFAULT 'pause';
ALTER TABLE pauses ADD COLUMN until INTEGER;

-- What runs waited for, and what came.
CREATE TABLE waits (
  id       TEXT PRIMARY KEY,
  run      TEXT NOT NULL,
  attempt  INTEGER NOT NULL,
  what     TEXT NOT NULL,             -- JSON
  since    INTEGER NOT NULL,
  until    INTEGER NOT NULL,
  ended_at INTEGER,
  ended_by TEXT,                      -- JSON
  payload  TEXT                       -- JSON, of the trigger that ended it
);
CREATE INDEX waits_run ON waits (run);

-- Which run called which. A waiting run may serve a call, so this is not a column of runs.
CREATE TABLE calls (
  id      TEXT PRIMARY KEY,
  caller  TEXT NOT NULL,
  run     TEXT NOT NULL,
  receipt TEXT NOT NULL,
  at      INTEGER NOT NULL
);
CREATE INDEX calls_run ON calls (run);
CREATE INDEX calls_caller ON calls (caller);
CREATE INDEX calls_receipt ON calls (receipt);

CREATE TABLE locks (
  key     TEXT PRIMARY KEY,
  run     TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  since   INTEGER NOT NULL,
  until   INTEGER NOT NULL
) WITHOUT ROWID;

-- Turns in a life that the row of a run does not keep: why it waited, why it was tried again, what
-- it waited for. `subject` is a run, or a scope for its pauses.
CREATE TABLE moments (
  n       INTEGER PRIMARY KEY,
  subject TEXT NOT NULL,
  at      INTEGER NOT NULL,
  why     TEXT NOT NULL               -- JSON
);
CREATE INDEX moments_subject ON moments (subject, n);
