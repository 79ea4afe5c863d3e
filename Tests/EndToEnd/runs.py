"""Speaks with a daemon about runs, through the Python package as it lies in this repository."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "protocol" / "python"))

import artifactd
from artifactd import messages
from artifactd.requests import Handover, Request
from artifactd.sources import open_source
from artifactd.ticket import Ticket


class RunClient:
    """A client of one daemon that acts for one tenant."""

    def __init__(self, daemon, tenant="acme", retry_timeout=60):
        self.client = artifactd.Client(daemon.socket, tenant=tenant, retry_timeout=retry_timeout)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.close()

    def call(self, message, timeout=60):
        return self.client.link.call(Request(message), timeout)

    def create(self, name, **options):
        return self.call(messages.CreateExperiment(name=name, **options)).experiment

    def experiment(self, **by):
        return self.call(messages.GetExperiment(**by)).experiment

    def update(self, identifier, **changes):
        return self.call(messages.UpdateExperiment(id=identifier, **changes)).experiment

    def start(self, experiment=None, **options):
        return self.call(messages.StartRun(experiment_name=experiment, **options)).run

    def run(self, identifier):
        return self.call(messages.GetRun(run_id=identifier)).run

    def end(self, run, status="finished"):
        return self.call(messages.EndRun(run_id=run.run_id, status=status)).run

    def put(self, run, path, source, level="accepted", **options):
        """Hands a path or bytes over and waits until that is accepted."""
        put = messages.Put(run_id=run.run_id, artifact_path=path, level=level, **options)
        request = Handover(put, open_source(source, self.client.link.inline_limit))
        request.occupy(self.client.link.window())
        self.client.link.submit(request)
        ticket = Ticket(self.client, request)
        ticket.wait("accepted", 60)
        return ticket

    def commit(self, run, **member):
        self.call(messages.Commit(run_id=run.run_id, **member))

    def wait(self, run, group=None, seconds=60):
        message = messages.WaitCommit(run_id=run.run_id, group=group, timeout=round(seconds * 1000))
        return self.call(message, seconds + 30)

    def artifacts(self, run, **options):
        """All pages; nothing may be missing from them."""
        found, after = [], None
        while True:
            page = self.call(messages.ListArtifacts(run_id=run.run_id, after=after, **options))
            assert page.incomplete is None, page.incomplete
            found += page.artifact
            after = page.next
            if after is None:
                assert [each.path for each in found] == sorted((each.path for each in found), key=str.encode)
                return found

    def delete(self, run, path, recursive=False):
        return self.call(messages.DeleteArtifacts(run_id=run.run_id, path=path, recursive=recursive)).count
