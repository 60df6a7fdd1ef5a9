"""The version of the schema that this code reads and writes: the name of the newest file in `migrations/versions`."""

SCHEMA = "v0003"
