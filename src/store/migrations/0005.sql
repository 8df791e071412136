-- What runs use of models, and what people say to runs.

-- A table of its own: it is written after each turn of a run, and a run's row may hold a long payload.
CREATE TABLE usage (
  run  TEXT PRIMARY KEY,
  used TEXT NOT NULL                  -- JSON
) WITHOUT ROWID;

-- What the runs of an agent cost on a day of UTC, counted from the Unix epoch.
CREATE TABLE days (
  agent  TEXT NOT NULL,
  day    INTEGER NOT NULL,
  micros INTEGER NOT NULL,            -- millionths of a US dollar
  PRIMARY KEY (agent, day)
) WITHOUT ROWID;

CREATE TABLE said (
  run  TEXT NOT NULL,
  seq  INTEGER NOT NULL,              -- from 1, without gaps
  at   INTEGER NOT NULL,
  by   TEXT NOT NULL,
  key  TEXT,                          -- the same one again is the same text
  read INTEGER NOT NULL DEFAULT 0,
  text TEXT NOT NULL,
  PRIMARY KEY (run, seq)
);
