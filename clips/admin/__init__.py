"""The footage in the admin."""

from clips.admin import (
    access,
    clips,
    consents,
    disclosures,
    faces,
    holds,
    likeness,
    purges,
    requests,
    retention,
    viewings,
)

__all__ = [
    "access",
    "clips",
    "consents",
    "disclosures",
    "faces",
    "holds",
    "likeness",
    "purges",
    "requests",
    "retention",
    "viewings",
]
