"""What people read: the differences of two versions, their provenance, and the release note."""

from gate.notes.files import slug, write_notes
from gate.notes.junit_xml import junit
from gate.notes.rendering import figures, render, summary

__all__ = ["figures", "junit", "render", "slug", "summary", "write_notes"]
