"""The HTTP API: operations described once, by types; their handlers, their document, and the short way for hot ones."""
