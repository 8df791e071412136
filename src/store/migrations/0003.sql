-- What a person should mend; a row stays until it is mended.
CREATE TABLE alerts (
  key     TEXT PRIMARY KEY,
  at      INTEGER NOT NULL,
  agent   TEXT,
  message TEXT NOT NULL,
  hint    TEXT,
  file    TEXT,
  line    INTEGER
) WITHOUT ROWID;
