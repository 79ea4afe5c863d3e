"""Daemons and clients that end with the test."""

import itertools

import pytest

import artifactd
import daemon as daemons


@pytest.fixture
def start_daemon(tmp_path):
    """Starts daemons, with settings by their names in the configuration."""
    made = []
    numbers = itertools.count(1)

    def start(running=True, **settings):
        made.append(daemons.Daemon(tmp_path / f"d{next(numbers)}", **settings))
        return made[-1].start() if running else made[-1]

    yield start
    for each in made:
        each.close()


@pytest.fixture
def daemon(start_daemon):
    return start_daemon()


@pytest.fixture
def connect():
    """Makes clients."""
    made = []

    def make(daemon, **options):
        made.append(artifactd.Client(daemon.socket, **options))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def client(daemon, connect):
    return connect(daemon)


@pytest.fixture
def track():
    """Makes trackers."""
    made = []

    def make(daemon, **options):
        made.append(artifactd.ExperimentTracker(daemon.socket, **options))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def tracker(daemon, track):
    return track(daemon)


@pytest.fixture
def put_what_fails(start_daemon, connect, tmp_path):
    """Hands `a` over and then `a/b`, which is accepted and fails: a directory cannot have the name of a file."""

    def put():
        client = connect(start_daemon(workers=1))
        # Until the only worker has stored this, nothing speaks against either.
        with open(tmp_path / "big", "wb") as file:
            file.truncate(300_000_000)
        client.put(tmp_path / "big", "big")
        good, bad = client.put(b"x", "a"), client.put(b"y", "a/b").wait(timeout=10)
        with pytest.raises(artifactd.ArtifactError):
            bad.wait("stored", timeout=20)
        return client, good.wait("stored", timeout=10), bad

    return put
