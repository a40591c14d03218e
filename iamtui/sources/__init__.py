"""Where an Account comes from: live AWS, a snapshot file, the embedded demo."""

from __future__ import annotations

from pathlib import Path
from typing import Final

DEMO_TRAIL: Final = str(Path(__file__).parent / "demo_data" / "puffin-parcel-trail.json.gz")
"""Path of two weeks of CloudTrail events of the demo's account."""
