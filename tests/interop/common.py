"""What both interop checks share: rows in one canonical form, and calling delta_tool.

SPDX-License-Identifier: Apache-2.0
"""
import datetime
import decimal
import json
import math
import os
import subprocess

UTC = datetime.timezone.utc
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=UTC)


def canonical(value):
    """The form in which delta_tool prints a value."""
    if isinstance(value, bool) or value is None or isinstance(value, (int, str)):
        return value
    if isinstance(value, float):
        return "nan" if math.isnan(value) else repr(value)
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    if isinstance(value, datetime.datetime):
        aware = value if value.tzinfo else value.replace(tzinfo=UTC)
        return (aware - EPOCH) // datetime.timedelta(microseconds=1)
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).hex().upper()
    if isinstance(value, dict):
        return {str(k): canonical(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [canonical(v) for v in value]
    raise TypeError(type(value))


def lines(rows):
    """rows: dicts. Sorted JSON lines."""
    return sorted(json.dumps(canonical(row), sort_keys=True) for row in rows)


def tool(*words):
    run = subprocess.run([os.environ["DELTA_TOOL"], *words], capture_output=True, text=True)
    if run.returncode != 0:
        raise SystemExit(f"delta_tool {' '.join(words)}: {run.stderr}")
    return run.stdout


def ours(path):
    return sorted(json.dumps(json.loads(line), sort_keys=True) for line in tool("read", path).splitlines())


class Checks:
    def __init__(self, who):
        self.who, self.passed, self.failed = who, 0, 0

    def equal(self, name, got, want):
        if got == want:
            self.passed += 1
            return
        self.failed += 1
        print(f"{self.who}: {name}: {len(got)} rows, expected {len(want)}")
        for a, b in list(zip(got + [""] * len(want), want + [""] * len(got)))[:200]:
            if a != b:
                print(f"  got      {a}\n  expected {b}")
                break

    def done(self):
        print(f"{self.who}: {self.passed} passed, {self.failed} failed")
        raise SystemExit(self.failed != 0)
