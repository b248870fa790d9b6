"""What people read: the differences of two versions, their provenance, and the release note."""
