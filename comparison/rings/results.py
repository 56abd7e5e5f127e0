"""The output of the processes, by contestant."""

import statistics

#: In the order of the tables and of the picture.
NAMES = {
    "abi": "ours, C functions",
    "abi-two-lines": "ours, C functions, struct in two lines",
    "handles": "ours, handles",
    "handles-one-line": "ours, handles, struct in one line",
    "prefetching": "ours, handles, prefetching",
    "portaudio": "PortAudio C",
    "rtrb": "rtrb",
    "ringbuf": "ringbuf",
    "crossbeam": "crossbeam ArrayQueue",
    "jack": "JACK",
    "boost": "Boost spsc_queue",
    "limit": "limit",
}
OURS = ("abi", "handles", "prefetching")

MODES = {"single": "One thread", "two-threads": "Two threads", "round-trip": "Round trip"}


class Values:
    """One contestant's nanoseconds under one workload: a list for each process."""

    def __init__(self, processes):
        self.processes = processes
        everything = [value for process in processes for value in process]
        self.lower, self.median, self.upper = statistics.quantiles(everything, n=4)
        self.medians = [statistics.median(process) for process in processes]
        self.worst = max(self.medians)


def workloads(result, mode):
    """Their names, such as 64x8, in order: bytes, then elements; 8 bytes come first."""
    processes = result["measured"].get(mode)
    found = processes[0]["values"] if processes else ()

    def order(name):
        n, size = split(name)
        return size != 8, size, n

    return sorted(found, key=order)


def split(workload):
    """Elements in a block and bytes in an element."""
    n, size = workload.split("x")
    return int(n), int(size)


def contestants(result, mode, workload):
    """The values of each contestant, in order; none if the workload was not measured."""
    processes = [
        process["values"].get(workload, {}) for process in result["measured"].get(mode, ())
    ]
    return {
        name: Values([process[name] for process in processes])
        for name in NAMES
        if processes and all(name in process for process in processes)
    }
