"""Identifiers and equipment of the objects that are written."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import lazy_loader as lazy
from pydicom.uid import UID

from foramgrade.exports.codes import SCHEME, Code
from foramgrade.tables import StudyAssessment

highdicom = lazy.load("highdicom")  # takes longer to import than most commands to run

#: Name of this software in the objects that it writes.
SOFTWARE = "foramgrade"

#: Most digits of a number that fits into a UID under "2.25.": that of a UUID.
_UUID_BITS = 128

#: Series numbers of what is derived: high, so that they stand behind the scanner's.
SEGMENTATION_SERIES, REPORT_SERIES = 9701, 9702


def uid_of(*parts: str) -> UID:
    """Make a UID that is the same for the same words.

    Notes
    -----
    *Definition*: "2.25." and the first 128 bits of the SHA-256 of the words as a UUID of version 8 (RFC 9562).

    Examples
    --------
    >>> uid_of("a", "b") == uid_of("a", "b"), uid_of("a", "b") == uid_of("ab"), len(uid_of("a")) <= 64
    (True, False, True)
    """
    digest = hashlib.sha256(json.dumps(parts).encode()).digest()
    number = int.from_bytes(digest[: _UUID_BITS // 8], "big")
    version_and_variant = (0xF << 76) | (0x3 << 62)
    return UID(f"2.25.{number & ~version_and_variant | (0x8 << 76) | (0x2 << 62)}")


@dataclass(frozen=True, slots=True)
class Stamp:
    """What makes an object of this study its own.

    Parameters
    ----------
    content : str
        Everything that the object depends on; equal contents have equal UIDs.
    version : str
        Version of this software.
    made : datetime
        When the object was made.
    """

    content: str
    version: str
    made: datetime

    def header(self, kind: str, *, number: int, description: str) -> Mapping[str, Any]:
        """Arguments of highdicom for series, instance, equipment and content of an object of one kind."""
        scheme = highdicom.coding_schemes.CodingSchemeIdentificationItem(
            SCHEME, name="Private codes of foramgrade", responsible_organization="The foramgrade developers"
        )
        return {
            "series_instance_uid": uid_of("series", kind, self.content),
            "series_number": number,
            "sop_instance_uid": uid_of("instance", kind, self.content),
            "instance_number": 1,
            "manufacturer": SOFTWARE,
            "manufacturer_model_name": SOFTWARE,
            "software_versions": self.version,
            "device_serial_number": "none",
            "series_description": description,
            "content_qualification": "RESEARCH",
            "coding_schemes": [scheme],
            "content_date": self.made.date(),
            "content_time": self.made.time().replace(microsecond=0),
            "series_date": self.made.date(),
            "series_time": self.made.time().replace(microsecond=0),
        }


def stamp_study(study: StudyAssessment, *, made: datetime, anonymous: bool) -> Stamp:
    """Stamp of the objects made of a study at one time."""
    return Stamp(f"{study.to_json()}{made.isoformat()}{anonymous}", study.version, made)


def coded(code: Code) -> Any:
    """Code as highdicom has it."""
    return highdicom.sr.CodedConcept(value=code.value, scheme_designator=code.scheme, meaning=code.meaning)
