"""What handing a file over costs the caller: wall and CPU time of its thread and of its process, medians in microseconds.

measure_hand_over.py FILE [--count 200] [--socket PATH]

The store is the daemon's; each hand-over goes to a key of its own, and is cancelled once it was measured.
"""

import argparse
import os
import statistics
import time

import artifactd


def measure(client, path, key):
    began, thread, process = time.perf_counter(), time.thread_time(), time.process_time()
    ticket = client.put(path, key)
    put = time.perf_counter() - began
    ticket.wait("accepted")
    return ticket, (put, time.perf_counter() - began, time.thread_time() - thread, time.process_time() - process)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--socket")
    arguments = parser.parse_args()
    with artifactd.Client(arguments.socket) as client:
        client.connect()
        rows = []
        for number in range(arguments.count):
            ticket, row = measure(client, arguments.file, f"measured/{os.getpid()}/{number}")
            rows.append(row)
            client.cancel(ticket.job_id)
    names = ("put returns", "ACCEPTED", "CPU of the thread", "CPU of the process")
    for name, values in zip(names, zip(*rows, strict=True), strict=True):
        values = sorted(value * 1e6 for value in values)
        print(f"{name:20} {statistics.median(values):8.0f} µs   90 %: {values[len(values) * 9 // 10]:8.0f} µs")


if __name__ == "__main__":
    main()
