"""What the generators say when a file lacks something."""


class Omission(Exception):
    """A file lacks something. The docstring of a subclass is the message: it names the file and what to add."""

    def __init__(self, **values: str) -> None:
        super().__init__(str(self.__doc__).format(**values))
