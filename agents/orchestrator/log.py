"""Logs for machines: one JSON object a line, on standard output."""

import json
import logging
import sys
import time

_LOG = logging.getLogger("agents.orchestrator")


class _JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        fields = getattr(record, "fields", {})
        line = {"at": round(time.time(), 3), "level": record.levelname, "event": record.msg}
        if not fields:
            line["event"] = record.getMessage()
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps({**line, **fields})


def log_as_json() -> None:
    """Sends every log record of the process to standard output, as JSON lines."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_JsonFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler])


def log(event: str, **fields: str | float) -> None:
    """Notes that something happened.

    Args:
        event: What, always in the same words, for those who count.
        **fields: The particulars.
    """
    _LOG.info(event, extra={"fields": fields})


def log_mistake(event: str) -> None:
    """Notes the exception that is being handled, with its traceback: one that nobody expected.

    Args:
        event: What it ended.
    """
    _LOG.exception(event)
