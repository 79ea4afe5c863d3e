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
