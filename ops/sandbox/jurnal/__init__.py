"""A stand-in for Mekari Jurnal's public API that keeps real double-entry books in memory."""

from ops.sandbox.jurnal.faults import Arrival, FaultKind, FaultPlan, SeededFaults
from ops.sandbox.jurnal.server import JurnalSandbox
from ops.sandbox.jurnal.settings import Consumer, SandboxSettings

__all__ = ["Arrival", "Consumer", "FaultKind", "FaultPlan", "JurnalSandbox", "SandboxSettings", "SeededFaults"]
