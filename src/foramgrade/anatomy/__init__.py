"""Anatomy: what label numbers mean, the spine in order, and a level's own axes."""
