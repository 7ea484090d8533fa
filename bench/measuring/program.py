# SPDX-License-Identifier: BSD-3-Clause
"""How every benchmark is run: `NAME [--quick] [--json]`, a line for each row."""

import argparse
import json
import sys
import traceback
from dataclasses import dataclass
from typing import Any, Callable, Iterator

from bed.failure import Failure, Skip
from bed.process import end_on_signal

from . import row

MET, MISSED, FAILED = range(3)


@dataclass(frozen=True)
class Effort:
    """How much is done for a figure."""

    quick: bool

    def rounds(self, quick: int, full: int) -> int:
        return quick if self.quick else full


class Teller:
    """Prints rows, and remembers whether a bar was missed."""

    def __init__(self, as_json: bool):
        self._as_json = as_json
        self.missed = False

    def tell(self, found: dict[str, Any]) -> None:
        print(json.dumps(found) if self._as_json else row.told(found), flush=True)
        self.missed = self.missed or not found.get("met", True)


def skipped(work: str, reason: Skip) -> dict[str, Any]:
    return {"work": work, "skipped": str(reason)}


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--quick", action="store_true", help="fewer rounds, smaller guests")
    parser.add_argument("--json", action="store_true", help="a JSON object a line")


def main(name: str, about: str, ask: Callable[[Effort], Iterator[dict[str, Any]]]) -> int:
    """Run a benchmark. 1: a bar was missed; 2: it could not be run."""
    parser = argparse.ArgumentParser(prog=f"bench/{name}", description=about)
    add_options(parser)
    options = parser.parse_args()
    end_on_signal()
    teller = Teller(options.json)
    try:
        for found in ask(Effort(options.quick)):
            teller.tell(found)
    except Skip as reason:
        teller.tell(skipped(f"{name}: all that follows", reason))
    except Failure as failure:
        notes = getattr(failure, "__notes__", [])
        print(f"bench/{name}: {failure}", *notes, sep="\n", file=sys.stderr)
        return FAILED
    except Exception:  # Python would end with what stands for a bar that was missed
        traceback.print_exc()
        return FAILED
    return MISSED if teller.missed else MET
