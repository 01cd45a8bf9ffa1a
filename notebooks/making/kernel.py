"""The kernel that lectures are executed in: it refuses other hosts, and leaves a note of what it cost.

Started as `python -m notebooks.making.kernel -f CONNECTION_FILE`, by `execute`.
"""

import json
import os
import sys

NOTE = "NNBASICS_COST_NOTE"  # the variable with the path of the note
HERE = ("localhost", "127.0.0.1", "::1", "0.0.0.0", "::", "", None)


def refuse_other_hosts(event, arguments):
    """An audit hook: lectures run without a network, so a download in one is an error."""
    if event == "socket.connect":
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else None
    elif event == "socket.getaddrinfo":
        host = arguments[0]
    else:
        return
    host = host.decode() if isinstance(host, bytes) else host
    if host not in HERE:
        raise ConnectionRefusedError(f"a lecture runs without a network, and this one asks for {host}")


def leave_note():
    """CPU seconds and the largest memory, of this process and of those it started and waited for."""
    times = os.times()
    seconds = times.user + times.system + times.children_user + times.children_system
    with open(os.environ[NOTE], "w", encoding="utf-8") as note:
        json.dump({"seconds": seconds, "bytes": peak_memory()}, note)


def peak_memory():
    try:
        import resource
    except ImportError:  # Windows
        import psutil

        return psutil.Process().memory_info().peak_wset
    unit = 1 if sys.platform == "darwin" else 1024
    return unit * max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def main():
    from ipykernel.kernelapp import IPKernelApp

    sys.addaudithook(refuse_other_hosts)
    app = IPKernelApp.instance()
    app.initialize()
    app.shell.events.register("post_run_cell", lambda result: leave_note())  # killed before its end, perhaps
    app.start()


if __name__ == "__main__":
    main()
