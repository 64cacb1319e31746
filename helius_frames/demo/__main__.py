"""``python -m helius_frames.demo``: the demo indexer on a real port, for any client."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from typing import Final, get_args

from helius_frames import demo
from helius_frames.demo import Holdings, Indexer, Moment

# Random owners hold a quarter of all mints each, so that every mint has several holders.
_SHARED: Final = 4
_POLL_S: Final = 0.5  # a wait without end cannot be interrupted on Windows


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM; the exit status is 0 then, and 1 where it cannot serve."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        indexer, stop = _indexer(options), _stop_signal()
        with demo.serve(indexer, host=options.host, port=options.port) as url:
            print(f"serving {indexer.holdings!r}, all synthetic, on {url}", flush=True)  # noqa: T201
            while not stop.wait(_POLL_S):
                pass
    except (ModuleNotFoundError, OSError, ValueError) as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m helius_frames.demo",
        description="Serve synthetic compressed-token balances by the Photon API.",
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    add("--port", type=int, default=0, help="port to listen on (default: a free one)")
    add("--latency", type=float, default=0.0, metavar="SECONDS", help="seconds each request takes")
    add("--rate", type=float, metavar="N", help="requests per second; more are answered with 429")
    add("--api-key", metavar="KEY", help="key that requests must carry (default: none needed)")
    add("--at", choices=get_args(Moment), default="first", help="moment of the demo holdings")
    add("--owners", type=int, metavar="N", help="serve N owners drawn at random instead")
    add("--mints", type=int, default=30, metavar="M", help="mints that each of them holds")
    add("--seed", type=int, default=0, help="seed of the random owners")
    return parser


def _indexer(options: argparse.Namespace) -> Indexer:
    with demo.at(options.at):
        usual = demo.app()
    return Indexer(
        usual.holdings if options.owners is None else _random_holdings(options),
        slot=usual.slot,
        page_slots=1,
        latency_s=options.latency,
        rate=options.rate,
        api_key=options.api_key,
    )


def _random_holdings(options: argparse.Namespace) -> Holdings:
    return Holdings.uniform(options.owners, options.mints, _SHARED * options.mints, options.seed)


def _stop_signal() -> threading.Event:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop


if __name__ == "__main__":
    sys.exit(main())
