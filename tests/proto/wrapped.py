#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""wrapped.py NTH VBALLOOND: what can fail, the tests have fail.

Each function of the C library that vballoond calls, and that may make a call of the system, is
one of those that nth.c has fail in turn, or is excused here. And nothing else is in either.
"""

import re
import subprocess
import sys
from pathlib import Path

# No calls of the system: what touches memory alone, variables and tables, what the compiler calls.
HARMLESS = (
    "str(?!n?dup)[a-z_]+|mem(?!fd)[a-z]+|bcmp|v?s?n?printf|v?sscanf|(alpha|q)sort(64)?|bsearch|dirname|fnmatch|getenv|sig[a-z]+set",
    "environ|opt(arg|err|ind|opt)|stdout|ctype_[a-z_]+|errno_location",
    "_ITM_.*|cxa_finalize|gmon_start.*|libc_start_main|stack_chk_fail",
    "json_.*",  # jansson's, which calls what it calls
)
EXCUSED = {
    "cannot fail, or nothing could be done about it":
        "clock_gettime close closedir dirfd fclose geteuid getpid getppid kill mallopt munmap shutdown signal sysconf umask usleep waitpid",
    "ends the process": "_exit",
    "says how what was opened by one in nth.c goes on": "ferror fgets getdelim readdir64 rewinddir",
    "allocates by itself, for lines of the configuration": "asprintf",
    "looks up who may give orders, before anything is there": "getgrnam",
}  # fmt: skip
# Which of them it is that tell people, and end, is the compiler's choice.
TELLING = "f?put[cs]|putchar|fwrite|printf|getopt_long"


def wrapped(source):
    """The names of the functions that fail in turn."""
    found = re.findall(r"^WRAP(?:(?:_WHERE)?\([^,]*, |_ALLOCATION\()(\w+),", source, re.MULTILINE)
    return {"free", *found}


def called(program):
    """The names that a program wants of the C library; a checked or inner one is the plain one."""
    table = subprocess.run(["nm", "-D", "--undefined-only", program], check=True, capture_output=True, text=True)
    names = {line.split()[1].partition("@")[0] for line in table.stdout.splitlines()}
    names = {re.sub(r"^__(isoc\d+_)?(\w+?)(_chk)?$", r"\2", name) for name in names}
    return {name for name in names if not re.fullmatch("|".join((*HARMLESS, TELLING)), name)}


def main():
    names = called(sys.argv[2])
    failing = wrapped(Path(sys.argv[1]).read_text())
    excused = [name for names in EXCUSED.values() for name in names.split()]
    wrong = [f"{name}() neither fails in a test nor is excused" for name in sorted(names - failing - set(excused))]
    wrong += [f"{name}() is not called, but listed" for name in sorted((failing | set(excused)) - names)]
    wrong += [f"{name}() fails in a test, and is excused" for name in sorted(failing & set(excused))]
    print("\n".join(wrong) or f"{len(failing)} functions fail in turn, {len(excused)} do not")
    return 1 if wrong else 0


sys.exit(main())
