import ArtifactModel
import GRDB

/// The journal's tables, as migrations. A migration that was released is never changed; the next one goes behind it.
///
/// All tables are STRICT, so a value always has its column's type. Unsigned numbers of 64 bits that are no amounts (device, inode,
/// check) are kept by their bit pattern. The numbers of states, pins and so on are the raw values of ArtifactModel's types.
enum Schema {
    /// In the file's header: "arJ1". Tells a journal from any other SQLite database.
    static let applicationID: Int32 = 0x6172_4A31

    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 jobs") { db in
            try db.execute(sql: "PRAGMA application_id = \(applicationID)")
            try db.execute(sql: jobs)
            try db.execute(sql: totals)
            try db.execute(sql: belongings)
            try db.execute(
                sql: "INSERT INTO facts (topic, name, value) VALUES ('daemon', 'id', ?)", arguments: [randomUUID()])
        }
        migrator.registerMigration("2 runs") { db in
            try db.execute(sql: runs)
            try db.execute(sql: runsOfJobs)
        }
        migrator.registerMigration("3 totals by tenant") { db in try db.execute(sql: totalsByTenant) }
        return migrator
    }

    private static let jobs = """
        CREATE TABLE jobs (
            -- The place in the order of acceptance. AUTOINCREMENT: a number is never used again, even after a purge.
            seq INTEGER PRIMARY KEY AUTOINCREMENT,
            -- JobID, 16 bytes.
            id BLOB NOT NULL,
            -- Who handed it over, and for whom it counts.
            uid INTEGER NOT NULL,
            gid INTEGER NOT NULL,
            tenant TEXT NOT NULL,
            -- The client's key; NULL when it gave none.
            idempotency_key BLOB,
            -- The object's full URI.
            destination TEXT NOT NULL,
            -- The client's name for the source.
            label TEXT NOT NULL,
            -- Where to find the file again after a reboot; NULL when there is no way.
            path TEXT,
            -- Bytes of the source: as it is now, and as it was accepted (which is what an idempotency key stands for).
            size INTEGER NOT NULL,
            accepted_size INTEGER NOT NULL,
            -- SourceFingerprint; all NULL or none.
            source_device INTEGER,
            source_inode INTEGER,
            source_size INTEGER,
            source_mtime_ns INTEGER,
            -- AcknowledgementLevel, Pin, the name in the spool, Compression, ChangePolicy, ArtifactKind, media type.
            level INTEGER NOT NULL,
            pin INTEGER NOT NULL,
            spool_name TEXT,
            compression INTEGER NOT NULL,
            change_policy INTEGER NOT NULL,
            kind INTEGER NOT NULL,
            content_type TEXT NOT NULL,
            -- JobState, and Unix times in milliseconds: of the acceptance, of the last change of state.
            state INTEGER NOT NULL,
            accepted_at INTEGER NOT NULL,
            updated_at INTEGER NOT NULL,
            -- How often an upload was begun, and the ContentEncoding it chose.
            attempts INTEGER NOT NULL DEFAULT 0,
            encoding INTEGER,
            -- The multipart upload: intent (written before the store is asked) and the store's id.
            upload_intended_at INTEGER,
            upload_codec TEXT,
            upload_part_size INTEGER,
            upload_id TEXT,
            -- StoredFacts.
            stored_size INTEGER,
            etag TEXT,
            checksum TEXT,
            raw_checksum TEXT,
            -- ArtifactError: why it failed, or what it waits for.
            error_code INTEGER,
            error_message TEXT,
            error_cause TEXT
        ) STRICT;
        CREATE UNIQUE INDEX jobs_by_id ON jobs (id);
        CREATE UNIQUE INDEX jobs_by_key ON jobs (uid, tenant, idempotency_key) WHERE idempotency_key IS NOT NULL;
        CREATE INDEX jobs_by_state ON jobs (state, seq);
        -- Later versions of one object; what a purge must leave.
        CREATE INDEX jobs_by_destination ON jobs (destination, seq);
        -- What a purge may take, oldest first.
        CREATE INDEX jobs_done ON jobs (updated_at) WHERE state IN \(States.purgeable);
        """

    /// Counted by triggers, so that a status costs five rows and not a scan of every job.
    private static let totals = """
        CREATE TABLE totals (
            -- JobState.
            state INTEGER PRIMARY KEY,
            -- How many jobs are in it, and the bytes of their sources.
            jobs INTEGER NOT NULL,
            bytes INTEGER NOT NULL
        ) STRICT;
        INSERT INTO totals (state, jobs, bytes) VALUES \(JobState.allCases.map { "(\($0.rawValue), 0, 0)" }.joined(separator: ", "));
        CREATE TRIGGER jobs_counted AFTER INSERT ON jobs BEGIN
            UPDATE totals SET jobs = jobs + 1, bytes = bytes + NEW.size WHERE state = NEW.state;
        END;
        CREATE TRIGGER jobs_recounted AFTER UPDATE OF state, size ON jobs
        WHEN OLD.state <> NEW.state OR OLD.size <> NEW.size BEGIN
            UPDATE totals SET jobs = jobs - 1, bytes = bytes - OLD.size WHERE state = OLD.state;
            UPDATE totals SET jobs = jobs + 1, bytes = bytes + NEW.size WHERE state = NEW.state;
        END;
        CREATE TRIGGER jobs_uncounted AFTER DELETE ON jobs BEGIN
            UPDATE totals SET jobs = jobs - 1, bytes = bytes - OLD.size WHERE state = OLD.state;
        END;
        """

    /// As the totals before, and of each tenant by itself. A tenant whose last job was forgotten leaves nothing behind.
    private static let totalsByTenant = """
        DROP TRIGGER jobs_counted;
        DROP TRIGGER jobs_recounted;
        DROP TRIGGER jobs_uncounted;
        DROP TABLE totals;
        CREATE TABLE totals (
            tenant TEXT NOT NULL,
            -- JobState.
            state INTEGER NOT NULL,
            -- How many of its jobs are in it, and the bytes of their sources.
            jobs INTEGER NOT NULL,
            bytes INTEGER NOT NULL,
            PRIMARY KEY (tenant, state)
        ) STRICT, WITHOUT ROWID;
        INSERT INTO totals (tenant, state, jobs, bytes) SELECT tenant, state, COUNT(*), SUM(size) FROM jobs GROUP BY tenant, state;
        CREATE TRIGGER jobs_counted AFTER INSERT ON jobs BEGIN
            INSERT INTO totals (tenant, state, jobs, bytes) VALUES (NEW.tenant, NEW.state, 1, NEW.size)
            ON CONFLICT (tenant, state) DO UPDATE SET jobs = jobs + 1, bytes = bytes + excluded.bytes;
        END;
        CREATE TRIGGER jobs_recounted AFTER UPDATE OF state, size ON jobs
        WHEN OLD.state <> NEW.state OR OLD.size <> NEW.size BEGIN
            UPDATE totals SET jobs = jobs - 1, bytes = bytes - OLD.size WHERE tenant = OLD.tenant AND state = OLD.state;
            INSERT INTO totals (tenant, state, jobs, bytes) VALUES (NEW.tenant, NEW.state, 1, NEW.size)
            ON CONFLICT (tenant, state) DO UPDATE SET jobs = jobs + 1, bytes = bytes + excluded.bytes;
        END;
        CREATE TRIGGER jobs_uncounted AFTER DELETE ON jobs BEGIN
            UPDATE totals SET jobs = jobs - 1, bytes = bytes - OLD.size WHERE tenant = OLD.tenant AND state = OLD.state;
            DELETE FROM totals WHERE tenant = OLD.tenant AND jobs = 0;
        END;
        """

    private static let belongings = """
        -- The content of small jobs; gone once they are stored or cancelled.
        CREATE TABLE inline (
            seq INTEGER PRIMARY KEY,
            bytes BLOB NOT NULL
        ) STRICT;
        -- PartRecord. The check covers `size` bytes; both of its columns are NULL where there is none. raw_check is a CRC-32C.
        CREATE TABLE parts (
            seq INTEGER NOT NULL,
            number INTEGER NOT NULL,
            raw_offset INTEGER NOT NULL,
            raw_length INTEGER NOT NULL,
            object_offset INTEGER NOT NULL,
            size INTEGER NOT NULL,
            etag TEXT NOT NULL,
            check_algorithm INTEGER,
            check_value INTEGER,
            raw_check INTEGER,
            PRIMARY KEY (seq, number)
        ) STRICT, WITHOUT ROWID;
        -- Multipart uploads that nobody will complete, until they are aborted.
        CREATE TABLE aborts (
            upload_id TEXT PRIMARY KEY,
            destination TEXT NOT NULL
        ) STRICT, WITHOUT ROWID;
        -- Small things to remember. Topic 'daemon': its id. Topic 'integrity': what was found of an endpoint.
        CREATE TABLE facts (
            topic TEXT NOT NULL,
            name TEXT NOT NULL,
            value TEXT NOT NULL,
            PRIMARY KEY (topic, name)
        ) STRICT, WITHOUT ROWID;
        """

    /// A UUID of version 4 (RFC 9562, section 5.4) in its text form.
    private static func randomUUID() -> String {
        var generator = SystemRandomNumberGenerator()
        let high: UInt64 = generator.next()
        let low: UInt64 = generator.next()
        return JobID(high: high & ~0xF000 | 0x4000, low: low >> 2 | 1 << 63).description
    }
}
