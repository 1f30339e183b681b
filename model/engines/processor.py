"""What Linux tells of the processor."""

import platform
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")


def processor_name(table: Path = CPUINFO) -> str:
    """As Linux calls it; elsewhere what Python knows."""
    lines = table.read_text("utf-8").splitlines() if table.is_file() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def has_vnni(table: Path = CPUINFO) -> bool:
    """Whether it adds products of int8 without saturating, as far as Linux tells."""
    return table.is_file() and "vnni" in table.read_text("utf-8")
