"""The schema's versions, run by Alembic; the statements are plain SQL."""
