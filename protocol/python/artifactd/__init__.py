"""Hands files of training code over to artifactd, the node's daemon that brings them into the store.

tracker = artifactd.ExperimentTracker()
with tracker.start_run(experiment_name="fraud-detection") as run:
    ticket = run.log_artifact("model.pkl", artifact_path="models")  # returns at once
    ticket.wait("stored", timeout=600)  # for who wants to wait

Without experiments and runs: `artifactd.Client().put("model.pt", "backups/model.pt")`.
"""

from artifactd.active_run import ActiveRun
from artifactd.artifact import Artifact
from artifactd.artifact_list import ArtifactList
from artifactd.client import Client
from artifactd.errors import (
    ArtifactError,
    ArtifactsFailed,
    Busy,
    Cancelled,
    Conflict,
    DaemonUnavailable,
    Denied,
    DestinationNotAllowed,
    ForeignTicket,
    InternalFault,
    InvalidKey,
    InvalidRequest,
    InvalidSource,
    JobsFailed,
    MembersMissing,
    NoActiveRun,
    NotFound,
    NotSerialisable,
    ProtocolError,
    SourceChanged,
    SourceError,
    SourceLost,
    SourceUnreadable,
    StoreError,
    TenantMismatch,
    Timeout,
    TooLarge,
)
from artifactd.experiment import Experiment
from artifactd.experiment_config import ExperimentConfig
from artifactd.messages import Accepted, Got, Job, StoredObject, Welcome
from artifactd.offline_ticket import OfflineTicket
from artifactd.run import Run
from artifactd.run_config import RunConfig
from artifactd.run_group import RunGroup
from artifactd.run_path import RunPath
from artifactd.spool import SpoolFile
from artifactd.termination import RunKilled
from artifactd.ticket import Ticket
from artifactd.ticket_set import TicketSet
from artifactd.tracker import ExperimentTracker

__version__ = "0.1.0"

__all__ = [
    "Accepted",
    "ActiveRun",
    "Artifact",
    "ArtifactError",
    "ArtifactList",
    "ArtifactsFailed",
    "Busy",
    "Cancelled",
    "Client",
    "Conflict",
    "DaemonUnavailable",
    "Denied",
    "DestinationNotAllowed",
    "Experiment",
    "ExperimentConfig",
    "ExperimentTracker",
    "ForeignTicket",
    "Got",
    "InternalFault",
    "InvalidKey",
    "InvalidRequest",
    "InvalidSource",
    "Job",
    "JobsFailed",
    "MembersMissing",
    "NoActiveRun",
    "NotFound",
    "NotSerialisable",
    "OfflineTicket",
    "ProtocolError",
    "Run",
    "RunConfig",
    "RunGroup",
    "RunKilled",
    "RunPath",
    "SourceChanged",
    "SourceError",
    "SourceLost",
    "SourceUnreadable",
    "SpoolFile",
    "StoreError",
    "StoredObject",
    "TenantMismatch",
    "Ticket",
    "TicketSet",
    "Timeout",
    "TooLarge",
    "Welcome",
    "__version__",
]
