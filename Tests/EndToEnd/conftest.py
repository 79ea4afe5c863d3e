"""Fixtures: daemons, stores and relays that end with the test."""

import itertools
import re

import pytest

import daemon
import relay as relays
import stores


@pytest.fixture(scope="session")
def seaweedfs(tmp_path_factory):
    server = stores.SeaweedFS(tmp_path_factory.mktemp("seaweedfs"))
    server.make_bucket("artifacts")
    yield server
    server.stop()


@pytest.fixture
def place(seaweedfs, request):
    """A prefix of the test's own in SeaweedFS."""
    place = stores.Place(seaweedfs.endpoint, "artifacts", re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-"))
    yield place
    place.clear()


@pytest.fixture
def daemons(tmp_path):
    """Makes and starts daemons; at the end of the test each must stop in order and have kept its secrets."""
    made = []
    numbers = itertools.count(1)

    def make(store=None, environment=None, settings=None, arguments=(), start=True):
        one = daemon.Daemon(tmp_path / f"d{next(numbers)}", store, environment, settings, arguments)
        made.append(one)
        return one.start() if start else one

    yield make
    problems = []
    for one in made:
        try:
            one.close()
        except AssertionError as error:
            problems.append(error)
        print(f"--- {one.log_path}\n{one.log()}")
    if problems:
        raise problems[0]


@pytest.fixture
def null_s3(tmp_path):
    """Makes null-s3 servers."""
    made = []
    numbers = itertools.count(1)

    def make(*arguments):
        one = stores.NullS3(tmp_path / f"requests{next(numbers)}", *arguments)
        made.append(one)
        return one.start()

    yield make
    for one in made:
        one.stop()


@pytest.fixture
def relay():
    """Makes relays to a store's endpoint."""
    made = []

    def make(endpoint):
        made.append(relays.Relay(int(endpoint.rsplit(":", 1)[1])))
        return made[-1]

    yield make
    for one in made:
        one.close()
        one.release()
        one.unmute()


@pytest.fixture
def on_seaweedfs(daemons, place):
    """A daemon that stores to SeaweedFS."""
    return daemons(place.url, place.environment())
