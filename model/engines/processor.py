"""Facts about this machine's processor."""

import platform
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")


def processor_name(cpuinfo: Path = CPUINFO) -> str:
    """Return the processor's name from /proc/cpuinfo; on other systems than Linux, from Python's `platform`."""
    lines = cpuinfo.read_text("utf-8").splitlines() if cpuinfo.is_file() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def has_vnni(cpuinfo: Path = CPUINFO) -> bool:
    """Return whether /proc/cpuinfo lists VNNI, with which int8 products are added without saturating."""
    return cpuinfo.is_file() and "vnni" in cpuinfo.read_text("utf-8")
