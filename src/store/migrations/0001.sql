-- One row each for what must outlive the process. Instants are milliseconds since the Unix epoch.

CREATE TABLE meta (
  key   TEXT PRIMARY KEY,
  value BLOB NOT NULL
) WITHOUT ROWID;

-- One row a firing, in order of arrival. The columns that lists need stand before the body, so
-- that a list never reads bodies.
CREATE TABLE receipts (
  n       INTEGER PRIMARY KEY,
  id      TEXT NOT NULL UNIQUE,
  at      INTEGER NOT NULL,
  kind    TEXT NOT NULL,
  source  TEXT NOT NULL,
  summary TEXT NOT NULL,
  dedupe  TEXT,
  outcome TEXT NOT NULL,
  runs    TEXT NOT NULL,              -- JSON array of run ids
  skipped TEXT NOT NULL,              -- JSON array of [agent, why]
  headers TEXT,
  body    BLOB
);
CREATE UNIQUE INDEX receipts_dedupe ON receipts (dedupe) WHERE dedupe IS NOT NULL;

-- One row a run, in order of acceptance.
CREATE TABLE runs (
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
  payload      TEXT NOT NULL          -- JSON, what the run is told about its trigger
);
CREATE INDEX runs_agent ON runs (agent, seq);
CREATE INDEX runs_live ON runs (seq) WHERE ended_at IS NULL;

-- What the world is to do. A row stays while its attempt lives.
CREATE TABLE effects (
  key   TEXT PRIMARY KEY,
  state TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE timers (
  key TEXT PRIMARY KEY,
  at  INTEGER NOT NULL
) WITHOUT ROWID;

-- scope is 'project' or 'agent:<name>'.
CREATE TABLE pauses (
  scope TEXT PRIMARY KEY,
  by    TEXT NOT NULL,
  since INTEGER NOT NULL,
  why   TEXT
) WITHOUT ROWID;
