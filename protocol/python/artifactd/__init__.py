"""Hands files of training code over to artifactd, the node's daemon that brings them into the store.

client = artifactd.Client()
ticket = client.put("model.pt", "runs/7/model.pt")  # returns at once
ticket.wait("stored", timeout=600)
"""

from artifactd.client import Client
from artifactd.errors import (
    ArtifactError,
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
    NotFound,
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
from artifactd.messages import Accepted, Got, Job, StoredObject, Welcome
from artifactd.spool import SpoolFile
from artifactd.ticket import Ticket

__version__ = "0.1.0"

__all__ = [
    "Accepted",
    "ArtifactError",
    "Busy",
    "Cancelled",
    "Client",
    "Conflict",
    "DaemonUnavailable",
    "Denied",
    "DestinationNotAllowed",
    "ForeignTicket",
    "Got",
    "InternalFault",
    "InvalidKey",
    "InvalidRequest",
    "InvalidSource",
    "Job",
    "JobsFailed",
    "NotFound",
    "ProtocolError",
    "SourceChanged",
    "SourceError",
    "SourceLost",
    "SourceUnreadable",
    "SpoolFile",
    "StoreError",
    "StoredObject",
    "TenantMismatch",
    "Ticket",
    "Timeout",
    "TooLarge",
    "Welcome",
    "__version__",
]
