"""Recording plain Python functions onto tapes."""

from talweg.recording import arithmetic_functions as arithmetic_functions
from talweg.recording import array_functions as array_functions
from talweg.recording import ufuncs as ufuncs
from talweg.recording.array import RecordedArray, apply, nodes_of, recorded, recording_of
from talweg.recording.errors import RecordingError
from talweg.recording.record import call, record, scalar_node
from talweg.recording.recording import MAX_OPERATIONS, Recording, active

__all__ = [
    "MAX_OPERATIONS",
    "RecordedArray",
    "Recording",
    "RecordingError",
    "active",
    "apply",
    "call",
    "nodes_of",
    "record",
    "recorded",
    "recording_of",
    "scalar_node",
]
