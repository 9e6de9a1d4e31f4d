"""`python -m config.stack run|demo|reset`: what the Makefile calls."""

from __future__ import annotations

import sys

from config.stack import signals

COMMANDS = ("run", "demo", "reset")


def main(arguments: list[str]) -> int:
    """Do what is asked and return the exit code."""
    if len(arguments) != 1 or arguments[0] not in COMMANDS:
        print(f"usage: python -m config.stack {'|'.join(COMMANDS)}", file=sys.stderr)
        return 2
    signals.listen()
    try:
        # Only now: importing the clients of both engines takes long enough for somebody to press Ctrl-C.
        from config.stack import launcher

        return launcher.reset() if arguments[0] == "reset" else launcher.launch(stay=arguments[0] == "run")
    except signals.Asked:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
