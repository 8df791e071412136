//! History and live state on disk: the only room with SQL. It decides nothing; it applies the
//! scheduler's decisions and answers questions.
//!
//! One [`Store`] writes, in transactions that hold as many events as were ready (group commit);
//! any number of readers look through [`Reader`]. SQLite runs in WAL mode with full sync: what was
//! committed survives a power cut. A host that waits for the disk by itself says so
//! ([`Store::let_others_wait`]).

mod alerts;
mod audit;
mod error;
mod firings;
mod history;
mod import;
mod life;
mod lock;
mod past;
mod read;
mod receipts;
mod row;
mod said;
mod series;
mod spent;
mod stats;
mod tally;
mod write;

#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::fs::File;
use std::path::{Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};
use rustix::fs::{StatVfs, statvfs};

pub use audit::{AuditQuery, AuditRecord};
pub use error::StoreError;
pub use firings::{Fired, FiringsQuery};
pub use history::{End, Ended, HistoryPage, HistoryQuery};
pub use import::{Clean, Foreign, Imported, Stock};
pub use lock::Lock;
pub use past::CallRecord;
pub use read::{Kept, Moment, Reader, RunsQuery, WaitRecord};
pub use receipts::{Before, Found, Page, TriggersQuery};
pub use series::{HourTally, Lived, Part};
pub use stats::{Spans, Tally};
pub use tally::Counted;

use crate::scheduler::{AgentRules, Effect, EffectState, Event, Facts, ProjectRules, View};
use tally::Counts;

/// The schema, one step a version; `user_version` counts the steps that a file has taken.
const MIGRATIONS: [&str; 7] = [
    include_str!("migrations/0001.sql"),
    include_str!("migrations/0002.sql"),
    include_str!("migrations/0003.sql"),
    include_str!("migrations/0004.sql"),
    include_str!("migrations/0005.sql"),
    include_str!("migrations/0006.sql"),
    include_str!("migrations/0007.sql"),
];
const KNOWN: u32 = MIGRATIONS.len() as u32;
/// A disk with less is full: turns, and what a checkpoint moves, need about that much. In bytes.
const ROOM_MIN: u64 = 1 << 20;

/// Name of the database in a project's `.al`.
pub const FILE: &str = "al.db";

/// The write side. One per project; [`Lock`] sees to that.
#[derive(Debug)]
pub struct Store {
    conn: Connection,
    path: PathBuf,
    counts: RefCell<Counts>,
    /// Writes until the disk is full.
    #[cfg(any(test, debug_assertions))]
    room: std::cell::Cell<Option<u32>>,
}

/// Numbers that were drawn when the history began.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Keys {
    /// See [`ProjectRules::id_key`].
    pub id_key: u32,
    /// Signs the tokens of runs.
    pub token_key: [u8; 32],
}

impl Store {
    /// Opens the history in `dir`, creating or migrating it.
    ///
    /// # Errors
    /// When the file cannot be written, is not a database, or was made by a newer `al`.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        let path = dir.join(FILE);
        let at = |e| StoreError::from_sqlite(&path, e);
        let conn = Connection::open(&path).map_err(at)?;
        conn.execute_batch(
            "PRAGMA journal_mode = WAL;
             PRAGMA synchronous = FULL;
             PRAGMA wal_autocheckpoint = 4000;
             PRAGMA temp_store = MEMORY;
             PRAGMA busy_timeout = 5000;",
        )
        .map_err(at)?;
        conn.set_prepared_statement_cache_capacity(64);
        restrict(&path);
        let store = Self {
            conn,
            path,
            counts: RefCell::default(),
            #[cfg(any(test, debug_assertions))]
            room: std::cell::Cell::new(None),
        };
        store.migrate()?;
        Ok(store)
    }

    /// Where the database is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn at(&self, error: rusqlite::Error) -> StoreError {
        StoreError::from_sqlite(&self.path, error)
    }

    fn migrate(&self) -> Result<(), StoreError> {
        let at = |e| self.at(e);
        let version: u32 =
            self.conn.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(at)?;
        if version > KNOWN {
            return Err(StoreError::Newer {
                path: self.path.clone(),
                found: version,
                known: KNOWN,
            });
        }
        if version == KNOWN {
            return Ok(());
        }
        // All at once: whoever looks meanwhile sees the history as it was or as it is to be.
        let steps = MIGRATIONS[version as usize..].concat();
        let all = format!("BEGIN IMMEDIATE; {steps} PRAGMA user_version = {KNOWN}; COMMIT;");
        self.conn.execute_batch(&all).map_err(at)?;
        // The log of all that may be larger than the history, and keeps its size as long as we live.
        self.shorten_log();
        Ok(())
    }

    fn shorten_log(&self) {
        // With readers about it stays as it is, until they are gone.
        let _ = self.conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).optional();
    }

    /// The numbers of this history; `fresh` is written down when it has none yet.
    pub fn keys(&self, fresh: Keys) -> Result<Keys, StoreError> {
        let at = |e| self.at(e);
        let mut blob = fresh.id_key.to_be_bytes().to_vec();
        blob.extend_from_slice(&fresh.token_key);
        self.conn
            .execute("INSERT OR IGNORE INTO meta (key, value) VALUES ('keys', ?1)", params![blob])
            .map_err(at)?;
        let stored: Vec<u8> = self
            .conn
            .query_row("SELECT value FROM meta WHERE key = 'keys'", [], |row| row.get(0))
            .map_err(at)?;
        let (id, token) = stored.split_at_checked(4).ok_or_else(|| self.damaged("meta.keys"))?;
        Ok(Keys {
            id_key: u32::from_be_bytes(id.try_into().map_err(|_| self.damaged("meta.keys"))?),
            token_key: token.try_into().map_err(|_| self.damaged("meta.keys"))?,
        })
    }

    fn damaged(&self, what: &str) -> StoreError {
        StoreError::Damaged { path: self.path.clone(), message: format!("{what} makes no sense") }
    }

    /// From here on a commit leaves its bytes to the operating system. Whoever calls this waits for
    /// the disk by itself, through [`Store::log_file`], before it relies on a commit: so the wait for
    /// one turn and the work at the next go on at the same time.
    ///
    /// # Errors
    /// When the setting is refused.
    pub fn let_others_wait(&self) -> Result<(), StoreError> {
        self.conn.execute_batch("PRAGMA synchronous = NORMAL").map_err(|e| self.at(e))
    }

    /// SQLite's log, into which commits are written: once `sync_data` on it returned, they survive a
    /// power cut. What SQLite moves from there into the database it syncs by itself.
    ///
    /// # Errors
    /// When it is not there or cannot be opened.
    pub fn log_file(&self) -> Result<File, StoreError> {
        let mut path = self.path.clone().into_os_string();
        path.push("-wal");
        let unreadable = |error: std::io::Error| {
            let message = format!("{}: {error}", Path::new(&path).display());
            StoreError::Sqlite { path: self.path.clone(), message }
        };
        let file = File::options().append(true).open(&path).map_err(unreadable)?;
        // The file may be new, and so its name.
        let folder = self.path.parent().unwrap_or(Path::new("."));
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(unreadable)?;
        Ok(file)
    }

    /// The view that the rows amount to, for a project with these rules and agents.
    pub fn load(
        &self,
        rules: &ProjectRules,
        agents: &[(String, AgentRules)],
    ) -> Result<View, StoreError> {
        let mut view = View::new(rules.clone());
        for (name, rules) in agents {
            view.add_agent(name, rules.clone());
        }
        read::load_live(&self.conn, &mut view).map_err(|e| self.at(e))?;
        Ok(view)
    }

    /// What is still to be done in the world, and how far it got.
    pub fn effects(&self) -> Result<Vec<(Effect, EffectState)>, StoreError> {
        read::effects(&self.conn).map_err(|e| self.at(e))
    }

    /// What history says about this event.
    pub fn facts(&self, event: &Event) -> Result<Facts, StoreError> {
        read::facts(&self.conn, event).map_err(|e| self.at(e))
    }

    /// Begins a transaction; [`Store::commit`] or [`Store::roll_back`] ends it.
    pub fn begin(&self) -> Result<(), StoreError> {
        self.conn.execute_batch("BEGIN IMMEDIATE").map_err(|e| self.at(e))
    }

    /// Makes everything since [`Store::begin`] durable.
    pub fn commit(&self) -> Result<(), StoreError> {
        self.counts.borrow_mut().flush(&self.conn).map_err(|e| self.at(e))?;
        self.take_room()?;
        self.conn.execute_batch("COMMIT").map_err(|e| self.at(e))
    }

    /// Forgets everything since [`Store::begin`].
    pub fn roll_back(&self) {
        self.counts.borrow_mut().forget();
        if !self.conn.is_autocommit() {
            // A failed rollback leaves no transaction behind either: SQLite ended it by itself.
            let _ = self.conn.execute_batch("ROLLBACK");
        }
    }

    /// Whether there is room again, after something could not be written.
    ///
    /// # Errors
    /// When a page that changes nothing cannot be written either, or hardly anything besides.
    pub fn try_room(&self) -> Result<(), StoreError> {
        // One page may fit where nothing else does.
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let scarce = |disk: StatVfs| disk.f_bavail.saturating_mul(disk.f_frsize) < ROOM_MIN;
        // A file system without blocks does not say how many are free.
        if statvfs(folder).is_ok_and(|disk| disk.f_blocks > 0 && scarce(disk)) {
            return Err(StoreError::Full { path: self.path.clone() });
        }
        self.begin()?;
        let schema = || {
            let version: u32 = self.conn.query_row("PRAGMA user_version", [], |row| row.get(0))?;
            self.conn.pragma_update(None, "user_version", version)
        };
        let written = schema().map_err(|e| self.at(e)).and_then(|()| self.commit());
        written.inspect_err(|_| self.roll_back())
    }

    /// Writes the rows of one decision, and counts it.
    pub fn apply(&self, decision: &crate::scheduler::Decision) -> Result<(), StoreError> {
        self.counts.borrow_mut().count(&self.conn, decision).map_err(|e| self.at(e))?;
        self.take_room()?;
        write::apply(&self.conn, decision).map_err(|e| self.at(e))
    }

    /// Lets the file grow no further, as on a full disk, or again.
    #[cfg(test)]
    pub fn fill(&self, full: bool) {
        let pages: u32 =
            self.conn.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap_or(0);
        let max = if full { pages } else { u32::MAX };
        let _ = self.conn.query_row(&format!("PRAGMA max_page_count = {max}"), [], |_| Ok(()));
    }

    /// Lets so many decisions and commits be written until the disk is full; none is no limit.
    /// A test's way to a full disk at any place of a turn.
    #[cfg(any(test, debug_assertions))]
    pub fn set_room(&self, writes: Option<u32>) {
        self.room.set(writes);
    }

    #[cfg(any(test, debug_assertions))]
    fn take_room(&self) -> Result<(), StoreError> {
        let Some(room) = self.room.get() else { return Ok(()) };
        let left = room.checked_sub(1).ok_or_else(|| StoreError::Full { path: self.path.clone() });
        left.map(|left| self.room.set(Some(left)))
    }

    #[cfg(not(any(test, debug_assertions)))]
    fn take_room(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// A read side of the same file.
    pub fn reader(&self) -> Reader {
        Reader::new(self.path.clone())
    }

    /// Moves the log into the database file; called when the host ends.
    pub fn close(self) {
        self.shorten_log();
    }

    /// Lets go of the files as they are. After a disk that failed, what the log seems to hold may
    /// not be what it holds: the next start reads it and checks its sums, and takes what is whole.
    pub fn abandon(self) {
        // Should it be refused, the log is moved as at any end.
        let _ = keep_log(&self.conn);
    }
}

/// Moves nothing from the log into the database file when this connection is the last to close.
fn keep_log(conn: &Connection) -> rusqlite::Result<()> {
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map(|_| ())
}

/// Opens an existing history to look at it.
fn open_read_only(path: &Path) -> Result<Connection, StoreError> {
    let at = |e| StoreError::from_sqlite(path, e);
    // Readers of a WAL database need to write its shared-memory file.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags).map_err(at)?;
    conn.execute_batch("PRAGMA query_only = ON; PRAGMA busy_timeout = 5000;").map_err(at)?;
    keep_log(&conn).map_err(at)?;
    let version: u32 = conn.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(at)?;
    if version > KNOWN {
        return Err(StoreError::Newer { path: path.to_owned(), found: version, known: KNOWN });
    }
    // Nothing at all is a history that is just being created.
    if (1..KNOWN).contains(&version) {
        return Err(StoreError::Older { path: path.to_owned(), found: version, known: KNOWN });
    }
    Ok(conn)
}

/// Payloads may be private: the file is its owner's alone. SQLite gives its side files the same
/// mode.
fn restrict(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let _ = std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600));
}
