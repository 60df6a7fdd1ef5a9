"""The errors of this room, and the exit codes of its commands.

Exception
└── ComposeError       told to a person as `what: where: fix`
    └── BadInputError  site.yaml, or a file rendered from it, is refused; nothing was started or changed
"""

EXIT_OK = 0
EXIT_FAILED = 1  # something is not healthy, or a step failed
EXIT_BAD_INPUT = 2  # site.yaml or an argument is wrong
EXIT_INTERRUPTED = 130  # Ctrl-C


class ComposeError(Exception):
    """A step failed; the text says what, where, and what to do."""

    exit_code = EXIT_FAILED


class BadInputError(ComposeError):
    """What a person wrote is refused."""

    exit_code = EXIT_BAD_INPUT
