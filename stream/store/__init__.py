"""The data store behind the stream: PostgreSQL, written without loss and read through pools."""
