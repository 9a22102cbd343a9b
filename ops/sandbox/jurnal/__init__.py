"""A stand-in for Mekari Jurnal's public API that keeps real double-entry books in memory."""

from ops.sandbox.jurnal.faults import FaultPlan
from ops.sandbox.jurnal.server import JurnalSandbox
from ops.sandbox.jurnal.settings import Consumer, SandboxSettings

__all__ = ["Consumer", "FaultPlan", "JurnalSandbox", "SandboxSettings"]
