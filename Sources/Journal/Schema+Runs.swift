import ArtifactModel

/// What came with experiments and runs: tables of their own, and columns of `jobs`.
extension Schema {
    static let runs = """
        CREATE TABLE experiments (
            -- Follows from tenant and name, which therefore need no uniqueness of their own.
            id TEXT PRIMARY KEY NOT NULL,
            tenant TEXT NOT NULL,
            name TEXT NOT NULL,
            description TEXT NOT NULL,
            -- A JSON object of strings.
            tags TEXT NOT NULL,
            -- Where its runs lie, a URI without a slash at its end; whether the store has confirmed it.
            artifact_location TEXT NOT NULL,
            is_confirmed INTEGER NOT NULL,
            -- LifecycleStage, and Unix times in milliseconds.
            stage INTEGER NOT NULL,
            created_at INTEGER NOT NULL,
            updated_at INTEGER NOT NULL,
            -- Whether its state in the store is older than this row.
            is_to_write INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX experiments_by_name ON experiments (tenant, name);
        CREATE INDEX experiments_to_confirm ON experiments (created_at) WHERE is_confirmed = 0;
        CREATE INDEX experiments_to_write ON experiments (updated_at) WHERE is_to_write = 1;

        CREATE TABLE runs (
            id TEXT PRIMARY KEY NOT NULL,
            experiment_id TEXT NOT NULL,
            tenant TEXT NOT NULL,
            name TEXT NOT NULL,
            description TEXT NOT NULL,
            -- A JSON object of strings.
            tags TEXT NOT NULL,
            -- RunStatus, and Unix times in milliseconds; ended_at is NULL while it runs.
            status INTEGER NOT NULL,
            started_at INTEGER NOT NULL,
            ended_at INTEGER,
            -- Whether this daemon is to write it into the store: it was started or ended here.
            is_to_write INTEGER NOT NULL,
            -- Unix time in milliseconds of its last job's acceptance; NULL when it never had one.
            last_job_at INTEGER,
            -- Whether jobs of it have been purged: a manifest made now would lack their artifacts.
            is_thinned INTEGER NOT NULL DEFAULT 0
        ) STRICT;
        CREATE INDEX runs_by_tenant ON runs (tenant, started_at, id);
        CREATE INDEX runs_by_experiment ON runs (experiment_id, started_at, id);
        CREATE INDEX runs_to_write ON runs (started_at) WHERE is_to_write = 1;

        -- CommitRequest: that a manifest is to be written, and later that it was.
        CREATE TABLE commits (
            run_id TEXT NOT NULL,
            -- '' stands for the whole run; then member and members are 0.
            group_name TEXT NOT NULL,
            member INTEGER NOT NULL,
            members INTEGER NOT NULL,
            -- The place in the order of requests; a request that is made again gets a new one.
            number INTEGER NOT NULL,
            -- The highest `jobs.seq` at the time of the request.
            bound INTEGER NOT NULL,
            -- Unix times in milliseconds: of the request, of its manifest, of the group's `commit.json`; NULL until then.
            requested_at INTEGER NOT NULL,
            written_at INTEGER,
            committed_at INTEGER,
            PRIMARY KEY (run_id, group_name, member)
        ) STRICT, WITHOUT ROWID;
        CREATE UNIQUE INDEX commits_by_number ON commits (number);
        CREATE INDEX commits_open ON commits (number) WHERE \(commitIsOpen);
        """

    /// Whether there is still something to do about a commit. Spelled once: SQLite takes a partial index only for its own words.
    static let commitIsOpen = "(written_at IS NULL OR (group_name <> '' AND committed_at IS NULL))"

    static let runsOfJobs = """
        -- RunPlace; all NULL for a plain destination, the last two for one outside of any group.
        ALTER TABLE jobs ADD COLUMN run_id TEXT;
        ALTER TABLE jobs ADD COLUMN artifact_path TEXT;
        ALTER TABLE jobs ADD COLUMN group_name TEXT;
        ALTER TABLE jobs ADD COLUMN member INTEGER;
        -- Whether the artifact was deleted later.
        ALTER TABLE jobs ADD COLUMN removed INTEGER NOT NULL DEFAULT 0;
        -- Listings and manifests, and later versions of one artifact.
        CREATE INDEX jobs_by_path ON jobs (run_id, artifact_path, seq) WHERE run_id IS NOT NULL;
        -- What a commit waits for; with all columns that are asked about, so that counting reads no rows.
        CREATE INDEX jobs_by_run ON jobs (run_id, state, group_name, member, seq, removed)
            WHERE run_id IS NOT NULL AND removed = 0;
        """
}
