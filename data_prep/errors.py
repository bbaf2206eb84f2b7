"""The one exception a reader sees: a sentence that says what to do."""


class PrepError(Exception):
    """A data set could not be prepared; the message is for the reader."""
