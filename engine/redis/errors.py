"""What can go wrong between this process and its Redis server.

PipelineError            a call got no usable reply
  NotSent                nothing was sent: safe to repeat
    Overloaded           too many calls in flight
  ConnectionLost         the connection broke after the call was written: it may have run
  DeadlineExceeded       no reply in time: it may have run, or may still run
  ServerError            the server answered with an error
ServerRefused            this server cannot be used; the text says what to change
  ServerUnreachable      it does not answer, or does not let us in
    ServerLoading        it reads its data still: it answers once it has
  WeakDurability         it may forget what it has acknowledged
EmbeddedServerError      the embedded server could not be started
"""


class PipelineError(Exception):
    """A call through a Pipeline failed; the subclass says whether it may have run."""


class NotSent(PipelineError):
    """Nothing was sent to the server, so the call has not run and may be repeated."""


class Overloaded(NotSent):
    """The bound on calls in flight is reached; this call was refused and nothing was sent."""


class ConnectionLost(PipelineError):
    """The connection broke after the call was written. Whether it ran is unknown."""


class DeadlineExceeded(PipelineError):
    """The reply did not come in time. Whether the call ran, or will still run, is unknown."""


class ServerError(PipelineError):
    """The server's error reply.

    `message` is the whole line as the server sent it, `code` its first word: `OOM`, `READONLY`,
    `BUSY`, `LOADING`, `ERR` ...
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
        self.code = message.partition(" ")[0]


class ServerRefused(Exception):
    """The server must not be used as it is. The text says what to change."""


class ServerUnreachable(ServerRefused):
    """The server does not answer, or does not accept our credentials."""


class ServerLoading(ServerUnreachable):
    """The server has started and reads its data still; until it has, it answers no call."""


class WeakDurability(ServerRefused):
    """The server acknowledges writes that a power cut can undo, and nobody allowed that by name."""


class EmbeddedServerError(Exception):
    """The embedded server could not be started. The text is one line and says what to do."""
