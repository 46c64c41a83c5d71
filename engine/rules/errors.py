"""The one error of this package: a text or document that cannot be a rule."""


class RuleError(ValueError):
    """An expression, an order or a workflow document that is refused.

    `message` says what is wrong and what was expected, `position` is the 0-based character offset in
    the text (None when no single place is at fault) and `path` the JSON path in a workflow document
    (None outside one). `str()` is all three in one line.
    """

    def __init__(self, message: str, *, position: int | None = None, path: str | None = None) -> None:
        super().__init__(message, position, path)
        self.message = message
        self.position = position
        self.path = path

    def __str__(self) -> str:
        where = f"{self.path}: " if self.path is not None else ""
        at = f"position {self.position}: " if self.position is not None else ""
        return f"{where}{at}{self.message}"

    def within(self, path: str) -> "RuleError":
        """The same error, placed at a JSON path of a document."""
        return RuleError(self.message, position=self.position, path=path)


def clip(text: str) -> str:
    """A quoted piece of user text for a message, at most 40 characters of it."""
    return repr(text if len(text) <= 40 else text[:37] + "...")
