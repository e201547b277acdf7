package journal

import (
	"context"
	"database/sql"
	"fmt"
)

// application marks the file as a journal of ot2flow: "OT2F".
const application = 0x4F543246

// migrations bring a journal from one version to the next: the n-th makes
// version n out of version n-1. What has been released is never changed here,
// only added to. Times are nanoseconds since 1970; hashes are hex SHA-256.
var migrations = []string{
	`
CREATE TABLE blobs (
	key   INTEGER PRIMARY KEY,
	hash  TEXT NOT NULL UNIQUE,     -- of the contents
	size  INTEGER NOT NULL,         -- of the contents, bytes
	data  BLOB NOT NULL             -- deflated
);
CREATE TABLE runs (
	key         INTEGER PRIMARY KEY AUTOINCREMENT,
	id          TEXT NOT NULL UNIQUE,
	workflow    TEXT NOT NULL,
	file        TEXT NOT NULL,
	fingerprint TEXT NOT NULL,      -- of the plan
	plan        INTEGER NOT NULL REFERENCES blobs(key), -- plan.json without the files
	steps       INTEGER NOT NULL,
	estimate    INTEGER NOT NULL,   -- ms
	robot       TEXT NOT NULL,      -- what its lease is on; empty for a simulator
	robot_name  TEXT NOT NULL,
	address     TEXT NOT NULL,
	serial      TEXT NOT NULL,
	software    TEXT NOT NULL,
	simulated   INTEGER NOT NULL,
	name        TEXT NOT NULL,      -- who began it
	host        TEXT NOT NULL,
	pid         INTEGER NOT NULL,
	version     TEXT NOT NULL,      -- of ot2flow
	repeats     TEXT NOT NULL,      -- the id of the run it repeats; empty where it repeats none
	fence       INTEGER NOT NULL,   -- of the lease it is carried out under
	began       INTEGER NOT NULL,
	-- The fold of the events:
	seq         INTEGER NOT NULL DEFAULT 0, -- of the last event
	at          INTEGER NOT NULL,           -- of the last event
	ended       INTEGER,
	verdict     TEXT NOT NULL DEFAULT '',
	done        INTEGER NOT NULL DEFAULT 0,
	intended    INTEGER NOT NULL DEFAULT 0, -- whether anything may have moved
	waiting     INTEGER NOT NULL DEFAULT 0, -- the step that waits for a person
	left        INTEGER NOT NULL DEFAULT 0,
	doubt_first INTEGER NOT NULL DEFAULT 0,
	doubt_last  INTEGER NOT NULL DEFAULT 0,
	failed_step INTEGER NOT NULL DEFAULT 0,
	reason      TEXT NOT NULL DEFAULT ''    -- why it did not end well
);
CREATE INDEX runs_began ON runs(began);
CREATE INDEX runs_open ON runs(robot) WHERE ended IS NULL;
CREATE TABLE params (
	run   INTEGER NOT NULL REFERENCES runs(key) ON DELETE CASCADE,
	n     INTEGER NOT NULL,
	name  TEXT NOT NULL,
	value TEXT NOT NULL,
	PRIMARY KEY (run, n)
) WITHOUT ROWID;
CREATE TABLE files (
	run  INTEGER NOT NULL REFERENCES runs(key) ON DELETE CASCADE,
	n    INTEGER NOT NULL,
	name TEXT NOT NULL,
	blob INTEGER NOT NULL REFERENCES blobs(key),
	PRIMARY KEY (run, n)
) WITHOUT ROWID;
CREATE TABLE events (
	key  INTEGER PRIMARY KEY AUTOINCREMENT, -- the order of all events of the journal
	run  INTEGER NOT NULL REFERENCES runs(key) ON DELETE CASCADE,
	seq  INTEGER NOT NULL,                  -- from 1 in each run, without gaps
	at   INTEGER NOT NULL,
	kind TEXT NOT NULL,
	data TEXT NOT NULL                      -- JSON
);
CREATE UNIQUE INDEX events_run ON events(run, seq);
CREATE INDEX events_notable ON events(run, seq) WHERE kind NOT IN ('step_started', 'step_done');
CREATE TABLE leases (
	robot TEXT PRIMARY KEY,
	fence INTEGER NOT NULL, -- grows with every owner
	held  INTEGER NOT NULL,
	name  TEXT NOT NULL,
	host  TEXT NOT NULL,
	pid   INTEGER NOT NULL,
	since INTEGER NOT NULL,
	heard INTEGER NOT NULL  -- when the owner last said that it is there
) WITHOUT ROWID;
CREATE TABLE messages (
	key   INTEGER PRIMARY KEY AUTOINCREMENT,
	run   INTEGER NOT NULL REFERENCES runs(key) ON DELETE CASCADE,
	at    INTEGER NOT NULL,
	name  TEXT NOT NULL,
	host  TEXT NOT NULL,
	kind  TEXT NOT NULL,
	data  TEXT NOT NULL,    -- JSON
	taken INTEGER           -- when the owner of the run took it
);
CREATE INDEX messages_open ON messages(run) WHERE taken IS NULL;
CREATE INDEX files_blob ON files(blob);
CREATE INDEX runs_plan ON runs(plan);
`,
	`
ALTER TABLE runs ADD COLUMN ledger TEXT NOT NULL DEFAULT ''; -- the name of what its changes go into; empty for none
UPDATE runs SET ledger = robot;
CREATE INDEX runs_ledger ON runs(ledger, key) WHERE ledger <> '';
CREATE TABLE corrections (
	key    INTEGER PRIMARY KEY AUTOINCREMENT,
	ledger TEXT NOT NULL,
	after  INTEGER NOT NULL, -- the key of the last event before it
	at     INTEGER NOT NULL,
	name   TEXT NOT NULL,    -- who
	host   TEXT NOT NULL,
	why    TEXT NOT NULL,
	data   TEXT NOT NULL     -- what, JSON
);
CREATE INDEX corrections_ledger ON corrections(ledger, key);
CREATE TABLE ledgers ( -- how far they were folded
	ledger    TEXT PRIMARY KEY,
	upto      INTEGER NOT NULL, -- the key of the last event that is in it
	corrected INTEGER NOT NULL, -- and of the last correction
	data      TEXT NOT NULL     -- JSON
) WITHOUT ROWID;
`,
	`
ALTER TABLE runs ADD COLUMN project TEXT NOT NULL DEFAULT ''; -- that it is for; empty for none
CREATE TABLE quotas (
	key  INTEGER PRIMARY KEY AUTOINCREMENT,
	at   INTEGER NOT NULL,
	name TEXT NOT NULL, -- who
	host TEXT NOT NULL,
	why  TEXT NOT NULL,
	data TEXT NOT NULL  -- what, JSON
);
CREATE TABLE uses ( -- what runs that are over used up; it outlives them
	run   TEXT PRIMARY KEY,
	seq   INTEGER NOT NULL, -- of the last event that is in it
	began INTEGER NOT NULL,
	data  TEXT NOT NULL     -- JSON
) WITHOUT ROWID;
CREATE INDEX uses_began ON uses(began);
`,
	`
ALTER TABLE runs ADD COLUMN tools TEXT NOT NULL DEFAULT ''; -- what was on the robot, JSON
`,
	`
CREATE TABLE submissions ( -- what was accepted to be carried out later
	key        INTEGER PRIMARY KEY AUTOINCREMENT,
	id         TEXT NOT NULL UNIQUE, -- of the run that it becomes
	queue      TEXT NOT NULL,        -- the robot it waits for
	workflow   TEXT NOT NULL,
	given      TEXT NOT NULL,        -- the parameters, JSON
	asker      TEXT UNIQUE,          -- the key that the asker gave it
	asked      TEXT NOT NULL,        -- a hash of what was asked for
	priority   INTEGER NOT NULL,
	experiment TEXT NOT NULL,
	name       TEXT NOT NULL,        -- who
	host       TEXT NOT NULL,
	project    TEXT NOT NULL,
	at         INTEGER NOT NULL,
	state      TEXT NOT NULL,
	reason     TEXT NOT NULL,
	closed     INTEGER,              -- when it was begun, refused or withdrawn
	hash       TEXT NOT NULL,        -- of the plan
	size       INTEGER NOT NULL,
	plan       BLOB                  -- plan.json with its files, deflated, while it waits
);
CREATE INDEX submissions_state ON submissions(state, queue, key);
`,
	`
CREATE TABLE answers ( -- of other programs, that may be taken again for a while
	key   TEXT PRIMARY KEY, -- a hash of everything they depend on
	run   TEXT NOT NULL,    -- that was answered; it may have been pruned
	at    INTEGER NOT NULL,
	until INTEGER NOT NULL,
	data  TEXT NOT NULL     -- JSON
) WITHOUT ROWID;
`,
	`
ALTER TABLE submissions ADD COLUMN labels TEXT NOT NULL DEFAULT ''; -- that its robot must have, with commas between
CREATE INDEX submissions_experiment ON submissions(experiment, state) WHERE experiment <> '';
CREATE TABLE stops ( -- queues that begin nothing until somebody says so
	queue TEXT PRIMARY KEY,
	at    INTEGER NOT NULL,
	name  TEXT NOT NULL, -- who
	host  TEXT NOT NULL,
	why   TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE closures ( -- times in which a queue begins nothing
	key   INTEGER PRIMARY KEY AUTOINCREMENT,
	queue TEXT NOT NULL, -- empty: all
	since INTEGER NOT NULL,
	until INTEGER NOT NULL,
	why   TEXT NOT NULL,
	name  TEXT NOT NULL, -- who
	host  TEXT NOT NULL
);
CREATE TABLE schedules ( -- how far they were looked at
	schedule TEXT PRIMARY KEY,
	times    TEXT NOT NULL, -- as they were written then
	upto     INTEGER NOT NULL
) WITHOUT ROWID;
`,
	`
ALTER TABLE runs ADD COLUMN computed TEXT NOT NULL DEFAULT ''; -- of a run that was over at once, all there is beside its row, JSON
`,
	`
CREATE TABLE tokens ( -- by which a device server knows who asks; they are never removed
	key     INTEGER PRIMARY KEY AUTOINCREMENT,
	id      TEXT NOT NULL UNIQUE,
	hash    TEXT NOT NULL UNIQUE, -- of the secret, which nobody has but its owner
	name    TEXT NOT NULL,        -- whose it is
	role    TEXT NOT NULL,
	robots  TEXT NOT NULL,        -- JSON, a list; null for all
	made    INTEGER NOT NULL,
	expires INTEGER,              -- NULL: never
	revoked INTEGER
);
CREATE TABLE deeds ( -- what people had a device server do, or were refused
	key     INTEGER PRIMARY KEY AUTOINCREMENT,
	at      INTEGER NOT NULL,
	name    TEXT NOT NULL, -- who; empty where nobody knows
	host    TEXT NOT NULL, -- from where
	token   TEXT NOT NULL, -- its id; empty for none
	what    TEXT NOT NULL,
	outcome TEXT NOT NULL  -- empty while it is not known
);
CREATE INDEX deeds_at ON deeds(at);
`,
	`
CREATE TABLE proofs ( -- what was found out about workflows, which can be found out again
	key  TEXT PRIMARY KEY, -- of what it holds for
	at   INTEGER NOT NULL,
	data BLOB NOT NULL
) WITHOUT ROWID;
`,
	`
CREATE TABLE versions ( -- of workflows that a server offered
	key      INTEGER PRIMARY KEY AUTOINCREMENT,
	hash     TEXT NOT NULL UNIQUE, -- of all files of the version
	workflow TEXT NOT NULL,        -- its name
	file     TEXT NOT NULL,        -- where it stood
	at       INTEGER NOT NULL      -- when it was offered first
);
CREATE INDEX versions_workflow ON versions(workflow, key);
CREATE TABLE version_files (
	version INTEGER NOT NULL REFERENCES versions(key) ON DELETE CASCADE,
	n       INTEGER NOT NULL,
	name    TEXT NOT NULL,
	blob    INTEGER NOT NULL REFERENCES blobs(key),
	PRIMARY KEY (version, n)
) WITHOUT ROWID;
CREATE INDEX version_files_blob ON version_files(blob);
`,
	`
CREATE TABLE epochs ( -- of devices at brokers: what was asked for in another one is not known here
	device TEXT PRIMARY KEY,
	epoch  TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE inbox ( -- what was asked for over a broker
	id     TEXT PRIMARY KEY, -- the asker's own
	sender TEXT NOT NULL,    -- whom it is answered
	asked  TEXT NOT NULL,    -- a hash of what was asked for
	at     INTEGER NOT NULL,
	run    TEXT NOT NULL,    -- that it became; empty for none
	told   TEXT NOT NULL,    -- how the run stood when it was answered last; empty while it was not
	open   INTEGER NOT NULL  -- whether another answer comes
) WITHOUT ROWID;
CREATE INDEX inbox_open ON inbox(run) WHERE open;
CREATE TABLE outbox ( -- answers, the last one to each; they stay to be given again
	seq      INTEGER PRIMARY KEY AUTOINCREMENT,
	id       TEXT NOT NULL UNIQUE, -- in the inbox
	receiver TEXT NOT NULL,
	at       INTEGER NOT NULL,
	data     TEXT NOT NULL,        -- JSON
	arrived  INTEGER               -- when the receiver said so
);
CREATE INDEX outbox_waits ON outbox(seq) WHERE arrived IS NULL;
`,
	`
CREATE TABLE handed ( -- runs that devices elsewhere carry out, whose journals have their events
	run      INTEGER PRIMARY KEY REFERENCES runs(key) ON DELETE CASCADE,
	queue    TEXT NOT NULL,            -- that it comes back to if it is refused
	device   TEXT NOT NULL,            -- what it is called at its broker
	asked    TEXT NOT NULL UNIQUE,     -- the id of what it was asked
	command  TEXT NOT NULL,            -- what it was asked, JSON
	at       INTEGER NOT NULL,
	accepted INTEGER,                  -- when the device said that it has it
	seq      INTEGER NOT NULL DEFAULT 0, -- of its last answer
	told     TEXT NOT NULL DEFAULT ''  -- how it said last that the run stands, JSON
);
`,
}

// versionOf returns the version of the journal's form, 0 for an empty file,
// and fails for what is no journal or a newer one. It only reads.
func (s *Store) versionOf(ctx context.Context, c *sql.Conn) (int, error) {
	var version, app, tables int
	err := c.QueryRowContext(ctx, "SELECT user_version, application_id, (SELECT count(*) FROM sqlite_schema) FROM pragma_user_version, pragma_application_id").Scan(&version, &app, &tables)
	switch {
	case err != nil:
		return 0, s.trouble(err)
	case app == application && version > len(s.migrations):
		return 0, &Error{s.path, Newer, fmt.Errorf("its form is version %d, and this program knows %d", version, len(s.migrations))}
	case app == 0 && version == 0 && tables == 0:
		return 0, nil
	case app != application || version < 1:
		return 0, &Error{s.path, NotJournal, nil}
	}
	return version, nil
}

// migrate brings the journal to the newest version, each step in a transaction
// of its own. Other processes may do the same at the same time.
func (s *Store) migrate(ctx context.Context, c *sql.Conn) error {
	for {
		version, err := s.versionOf(ctx, c)
		if err != nil {
			return err
		}
		if version == len(s.migrations) {
			return nil
		}
		if err := s.step(ctx, c, version); err != nil {
			return s.trouble(err)
		}
	}
}

// step makes version from+1, unless another process just has.
func (s *Store) step(ctx context.Context, c *sql.Conn, from int) (err error) {
	if _, err := c.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_, _ = c.ExecContext(context.WithoutCancel(ctx), "ROLLBACK") // the first error is the one to tell
		}
	}()
	now, err := s.versionOf(ctx, c)
	if err != nil {
		return err
	}
	if now == from {
		text := fmt.Sprintf("%s;PRAGMA application_id=%d;PRAGMA user_version=%d", s.migrations[from], application, from+1)
		if _, err := c.ExecContext(ctx, text); err != nil {
			return err
		}
	}
	_, err = c.ExecContext(ctx, "COMMIT")
	return err
}
