"""The gate's block in a version's description: one, marked, and never at the cost of what people wrote."""

from __future__ import annotations

import re

BEGIN, END = "<!-- gate:begin -->", "<!-- gate:end -->"
MAX_BLOCK, MAX_DESCRIPTION = 1_500, 4_999
_BLOCK = re.compile(rf"\n*{re.escape(BEGIN)}(?:(?!{re.escape(BEGIN)}).)*?{re.escape(END)}\n*", re.DOTALL)
_FRAME = len(f"{BEGIN}\n\n{END}")


def with_block(description: str, text: str) -> str:
    """Put the gate's text into a description, in place of what it said before.

    The block has at most 1,500 characters, the whole stays below 5,000: the block shrinks, and is left out where
    people's own text leaves no room.
    """
    own = people_text(description)
    joint = "\n\n" if own else ""
    room = min(MAX_BLOCK, MAX_DESCRIPTION - len(own) - len(joint)) - _FRAME
    if room <= 0:
        return own
    safe = text.replace(BEGIN, "").replace(END, "").strip()
    cut = safe if len(safe) <= room else safe[: room - 1].rstrip() + "…"
    return f"{own}{joint}{BEGIN}\n{cut}\n{END}"


def people_text(description: str) -> str:
    """Give what people wrote: everything but the gate's block."""
    parts = [part for part in _BLOCK.split(description) if part]
    return "\n\n".join(parts)
