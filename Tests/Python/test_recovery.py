"""Daemons that die, hang or are not there; processes that fork and end. Nothing twice, nothing lost, no endless wait."""

import gc
import itertools
import linecache
import logging
import multiprocessing
import os
import pickle
import random
import signal
import subprocess
import sys
import threading
import time

import pytest

import artifactd
from artifactd.latch import Latch
from daemon import eventually

QUICK = {"retry_timeout": 0.3, "answer_timeout": 0.3, "exit_timeout": 0.3}


def bytes_of(number):
    return random.Random(number).randbytes(1000 if number % 3 else 100_000)


def run_python(code, daemon, **options):
    """A Python of its own; what it prints, standard error included, and its exit status."""
    environment = {**os.environ, "ARTIFACTD_SOCKET": str(daemon.socket), "PYTHONPATH": os.pathsep.join(sys.path)}
    # Python 3.12 warns of every fork of a process that has threads.
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", code]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, **options)


def looks_for_signals(frame):
    """Whether CPython may run a signal's handler before this line: not where a lock is given back, nor where a block begins."""
    line = linecache.getline(frame.f_code.co_filename, frame.f_lineno).strip()
    return not line.startswith(("with ", "try:", "except", "finally:"))


def wait_for_child(pid):
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def assert_each_stored_once(client, count):
    jobs = list(client.jobs("stored"))
    assert len(jobs) == len({job.destination for job in jobs}) == count


# --- Restarts ---


# The daemon is killed and started again while hand-overs are under way: each is there once.
def test_killed_daemon(daemon, connect, tmp_path):
    client = connect(daemon)
    for number in range(200):
        (tmp_path / str(number)).write_bytes(bytes_of(number))
    tickets = []
    for number in range(200):
        if number % 40 == 20:
            daemon.kill()
        source = tmp_path / str(number) if number % 2 else bytes_of(number)
        tickets.append(client.put(source, f"a/{number}"))
        if number % 40 == 35:
            daemon.start()
    client.wait(tickets, timeout=30)
    assert daemon.keys() == sorted(f"a/{number}" for number in range(200))
    assert all(daemon.content(f"a/{number}") == bytes_of(number) for number in range(200))
    assert_each_stored_once(client, 200)


# Several threads, which wait for what they handed over, and a daemon that dies all the time.
def test_killed_daemon_under_threads(daemon, connect):
    client = connect(daemon)
    failures = []

    def work(thread):
        try:
            for number in range(40):
                client.put(bytes_of(number), f"{thread}/{number}").wait("stored", timeout=30)
        except artifactd.ArtifactError as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    for number in range(3):
        while len(daemon.keys()) < 30 * (number + 1):
            assert not failures
        daemon.kill()
        daemon.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(daemon.keys()) == 160
    assert_each_stored_once(client, 160)


# What the daemon cannot make DURABLE it cancels: the hand-over succeeds all the same once there is room.
def test_room_for_durable(start_daemon, connect):
    daemon = start_daemon(spool_quota=1 << 20)
    client = connect(daemon)
    with client.open_spool(size_hint=1 << 20) as file:
        ticket = client.put(bytes(100_000), "a")
        with pytest.raises(artifactd.Timeout):
            ticket.wait(timeout=0.5)
        file.discard()
    ticket.wait("stored", timeout=20)
    assert_each_stored_once(client, 1)


# A stop in order: the daemon says so, and the client waits for the next one.
def test_restarted_daemon(daemon, connect):
    client = connect(daemon)
    client.put(b"1", "a/1").wait()
    daemon.stop()
    ticket = client.put(b"2", "a/2")
    daemon.start()
    ticket.wait("stored", timeout=20)
    assert daemon.keys() == ["a/1", "a/2"] and client.status()["daemon"]["pid"] == daemon.process.pid


# A wait goes on with the next daemon.
def test_wait_across_a_restart(start_daemon, connect, tmp_path):
    daemon = start_daemon()
    client = connect(daemon)
    ticket = client.put(b"x", "a").wait("stored", timeout=10)
    daemon.kill()
    waiting = threading.Thread(target=ticket.wait, args=["stored"])
    waiting.start()
    daemon.start()
    waiting.join(20)
    assert not waiting.is_alive()


# A spool file survives the connection that gave it, written to before and after.
def test_spool_across_a_restart(daemon, client):
    with client.open_spool("a") as file:
        file.write(b"before, ")
        file.flush()
        daemon.kill()
        daemon.start()
        file.write(b"after")
    file.ticket.wait("stored", timeout=20)
    assert daemon.content("a") == b"before, after"


# Hand-overs to one key keep their order across a restart.
def test_order_across_a_restart(daemon, client):
    client.connect()
    tickets = []
    for number in range(60):
        if number == 30:
            daemon.kill()
        tickets.append(client.put(str(number).encode(), "latest"))
    daemon.start()
    client.wait(tickets, timeout=20)
    assert daemon.content("latest") == b"59"


# A daemon that is full takes the rest when there is room again; what comes later to one key stays later.
def test_busy_daemon(start_daemon, connect):
    daemon = start_daemon(queue_jobs=4)
    client = connect(daemon)
    tickets = [client.put(str(number).encode(), f"{number % 2}") for number in range(16)]
    client.wait(tickets, timeout=30)
    assert (daemon.content("0"), daemon.content("1")) == (b"14", b"15")


# Too many connections: the client waits for its turn, and in vain no longer than it may.
def test_too_many_connections(start_daemon, connect):
    daemon = start_daemon(connections=1)
    first = connect(daemon)
    first.connect()
    with pytest.raises(artifactd.Busy):
        connect(daemon, **QUICK).connect()
    second = connect(daemon)
    ticket = second.put(b"x", "a")
    first.close()
    ticket.wait(timeout=20)


# --- No daemon ---


# Nobody listens: an error within the time, which says what to do.
def test_no_daemon(start_daemon, connect):
    client = connect(start_daemon(running=False), **QUICK)
    ticket = client.put(b"x", "a")
    with pytest.raises(artifactd.DaemonUnavailable, match="start artifactd, or name its socket in ARTIFACTD_SOCKET"):
        ticket.wait()
    assert ticket.done
    with pytest.raises(ConnectionError):
        client.status()
    with pytest.raises(artifactd.DaemonUnavailable):
        client.connect(timeout=0)


# A daemon that comes in time is found.
def test_late_daemon(start_daemon, connect):
    daemon = start_daemon(running=False)
    ticket = connect(daemon).put(b"x", "a")
    daemon.start()
    ticket.wait("stored", timeout=20)


# What is no socket, and one that may not be used, fail at once.
def test_no_socket(tmp_path):
    (tmp_path / "f").touch()
    with artifactd.Client(tmp_path / "f", **QUICK) as client, pytest.raises(artifactd.DaemonUnavailable):
        client.connect()
    with artifactd.Client("/" + "x" * 200) as client, pytest.raises(artifactd.InvalidRequest, match="no daemon's socket"):
        client.connect()


# Hand-overs that failed without anybody having looked are logged.
def test_unseen_failures_are_logged(start_daemon, caplog):
    client = artifactd.Client(start_daemon(running=False).socket, **QUICK)
    ticket = client.put(b"x", "a")
    for number in range(2):
        client.put(b"y", f"b/{number}")
    with pytest.raises(artifactd.DaemonUnavailable):
        ticket.wait()
    with caplog.at_level(logging.ERROR, "artifactd"):
        client.close()
    (message,) = (record.getMessage() for record in caplog.records)
    assert message.startswith("2 hand-overs failed; the first, to b/0: ") and message.endswith("; the others, to b/1")


# --- A daemon that hangs ---


# A time limit holds; without one it is noticed that the daemon answers nothing. Nothing is lost.
def test_hanging_daemon(daemon, connect):
    client = connect(daemon, retry_timeout=20, answer_timeout=0.3)
    client.connect()
    daemon.signal(signal.SIGSTOP)
    ticket = client.put(b"x", "a")
    with pytest.raises(artifactd.Timeout, match="within"):
        ticket.wait(timeout=0.1)
    with pytest.raises(TimeoutError, match="answers nothing"):
        ticket.wait()
    with pytest.raises(artifactd.Timeout):
        client.status()
    assert not ticket.done
    daemon.signal(signal.SIGCONT)
    ticket.wait("stored", timeout=20)


# More hand-overs than a hanging daemon's socket takes do not hang the caller.
def test_hanging_daemon_and_many_hand_overs(daemon, connect):
    client = connect(daemon, retry_timeout=20, answer_timeout=0.3)
    client.connect()
    daemon.signal(signal.SIGSTOP)
    tickets = []
    with pytest.raises(artifactd.Timeout):
        for number in range(1000):
            tickets.append(client.put(bytes(50_000), str(number)))
    daemon.signal(signal.SIGCONT)
    client.wait(tickets, timeout=20)
    assert len(daemon.keys()) == len(tickets) == 256


# A daemon that hangs at the greeting is not waited for without end.
def test_daemon_that_never_greets(daemon, connect):
    daemon.signal(signal.SIGSTOP)
    with pytest.raises(artifactd.DaemonUnavailable, match="said nothing"):
        connect(daemon, **QUICK).connect()


# --- Forks ---


# A forked child has a connection of its own, and its parent's goes on.
def test_fork(client, daemon):
    before = client.put(b"x", "before").wait()
    pid = os.fork()
    if pid == 0:
        try:
            client.put(b"x", "child").wait("stored", timeout=10)
            before.wait("stored", timeout=10)
        except BaseException:
            os._exit(1)
        os._exit(0)
    client.put(b"x", "parent").wait("stored", timeout=10)
    wait_for_child(pid)
    assert daemon.keys() == ["before", "child", "parent"]


# Forks in the middle of everything, with threads at work in the parent: no child hangs, none has the parent's descriptors.
def test_forks_under_load(client, daemon):
    is_over = threading.Event()
    tickets = []

    def work(thread):
        number = 0
        while not is_over.is_set():
            tickets.append(client.put(bytes_of(number), f"{thread}/{number}"))
            number += 1

    threads = [threading.Thread(target=work, args=[number]) for number in range(3)]
    for thread in threads:
        thread.start()
    pids = []
    for number in range(20):
        pid = os.fork()
        if pid == 0:
            try:
                client.put(b"x", f"child/{number}").wait("stored", timeout=20)
            except BaseException:
                os._exit(1)
            os._exit(0)
        pids.append(pid)
    for pid in pids:
        wait_for_child(pid)
    is_over.set()
    for thread in threads:
        thread.join()
    client.wait(tickets, timeout=30)
    assert len(daemon.keys()) == len(tickets) + 20


# A ticket without an answer at the fork belongs to the parent; its descriptor too.
def test_ticket_of_the_parent(daemon, client, tmp_path):
    client.connect()
    (tmp_path / "f").write_bytes(bytes(100_000))
    daemon.signal(signal.SIGSTOP)
    ticket = client.put(tmp_path / "f", "a")
    pid = os.fork()
    if pid == 0:
        try:
            with pytest.raises(artifactd.ForeignTicket, match=str(os.getppid())):
                ticket.wait()
            with os.scandir("/proc/self/fd") as entries:
                assert str(tmp_path / "f") not in [os.readlink(entry.path) for entry in entries]
        except BaseException:
            os._exit(1)
        os._exit(0)
    wait_for_child(pid)
    daemon.signal(signal.SIGCONT)
    ticket.wait("stored", timeout=10)


# A child that goes on living does not keep its parent's spool file from being handed over.
def test_spool_file_and_a_child(client, daemon):
    reading, writing = os.pipe()
    with client.open_spool("a") as file:
        file.write(b"content")
        pid = os.fork()
        if pid == 0:
            os.close(writing)
            os.read(reading, 1)
            os._exit(0)
    file.ticket.wait("stored", timeout=10)
    os.close(writing)
    os.close(reading)
    wait_for_child(pid)
    assert daemon.content("a") == b"content"


def hand_over(client, number):
    client.put(f"{number}".encode(), f"{number}")


# Processes of multiprocessing hand over and end at once: what they handed over is there.
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing(client, daemon, method):
    client.put(b"x", "parent").wait()
    context = multiprocessing.get_context(method)
    processes = [context.Process(target=hand_over, args=[client, number]) for number in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    client.wait(timeout=20)
    assert daemon.keys() == ["0", "1", "2", "parent"]


# Errors travel between processes.
@pytest.mark.parametrize("kind", [artifactd.Timeout, artifactd.DaemonUnavailable, artifactd.Busy])
def test_errors_can_be_pickled(kind):
    error = pickle.loads(pickle.dumps(kind("code", "message", "cause", 1.5)))
    assert type(error) is kind
    assert (error.code, error.message, error.cause, error.retry_after) == ("code", "message", "cause", 1.5)
    assert str(error) == "message (cause)"


# --- The end of the process ---


# A process that hands over and ends: everything is there, and nothing is printed.
def test_exit(daemon, connect):
    code = "import artifactd; c = artifactd.Client(); [c.put(str(n).encode() * 9999, str(n)) for n in range(300)]"
    done = run_python(code, daemon)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    connect(daemon).wait(timeout=20)
    assert len(daemon.keys()) == 300


# The same with an exception, with a thread that goes on for a while, and from a handler of the exit itself.
@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("c.put(b'x', 'a'); raise SystemExit(3)", 3),
        ("import threading; threading.Thread(target=lambda: c.put(b'x', 'a')).start()", 0),
        ("import atexit; atexit.register(lambda: c.put(b'x', 'a')); c.connect()", 0),
        ("import os; c.connect(); pid = os.fork(); pid or c.put(b'x', 'a'); pid and os.waitpid(pid, 0)", 0),
    ],
    ids=["exception", "thread", "handler", "fork"],
)
def test_exits_of_all_kinds(daemon, connect, code, status):
    done = run_python(f"import artifactd; c = artifactd.Client(); {code}", daemon)
    assert (done.returncode, done.stdout, done.stderr) == (status, "", "")
    connect(daemon).wait(timeout=20)
    assert daemon.keys() == ["a"]


# A daemon that hangs, or is not there, holds the end up no longer than allowed, and what may be lost is said.
@pytest.mark.parametrize("trouble", ["hangs", "gone"])
def test_exit_without_an_answer(daemon, trouble):
    daemon.signal(signal.SIGSTOP) if trouble == "hangs" else daemon.kill()
    done = run_python("import artifactd; artifactd.Client(exit_timeout=0.5).put(b'x', 'a')", daemon)
    assert done.returncode == 0 and done.stderr.startswith("1 hand-overs had no answer") and "Traceback" not in done.stderr
    assert done.stderr.count("had no answer") == 1 and "may be lost: a; look whether artifactd runs" in done.stderr


# What may be lost is named, the first ten, and the way out.
def test_exit_names_what_may_be_lost(daemon):
    code = """
import artifactd, os, signal
run = artifactd.ExperimentTracker(exit_timeout=0.3).start_run("e", run_id="r")
os.kill(run.client.connect().pid, signal.SIGKILL)
for number in range(12):
    run.log_text("x", f"a/{number}")
"""
    done = run_python(code, daemon)
    shown = ", ".join(f"a/{number} of run r" for number in range(10))
    assert done.returncode == 0
    assert done.stderr.startswith(f"12 hand-overs had no answer from the daemon when the process ended, and may be lost: {shown} and 2 more;")
    assert "ARTIFACTD_OFFLINE_DIR" in done.stderr and done.stderr.count("may be lost") == 1


# Ctrl-C while waiting ends the wait, and the client can be used on.
def test_interrupt(daemon, connect):
    code = """
import artifactd, os, signal, sys, threading
def interrupt():
    while True:
        frame = sys._current_frames()[threading.main_thread().ident]
        while frame and not (frame.f_code.co_name == "wait" and frame.f_code.co_filename.endswith("ticket.py")):
            frame = frame.f_back
        if frame:
            return os.kill(os.getpid(), signal.SIGINT)
# A shell starts its background commands, and so perhaps the tests, with this signal ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
c = artifactd.Client()
t = c.put(b"x", "a").wait()
os.kill(c.connect().pid, signal.SIGSTOP)
late = c.put(b"y", "b")
threading.Thread(target=interrupt).start()
try:
    late.wait()
except KeyboardInterrupt:
    os.kill(c.connect().pid, signal.SIGCONT)
    late.wait("stored", timeout=10)
    print("done")
"""
    done = run_python(code, daemon)
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")

# However often a wait is interrupted, whoever opens the latch is not held up, and the next wait works.
def test_latch_bears_interrupts():
    latch = Latch()
    hits = 0

    class Interrupt(Exception):
        pass

    def interrupt(_, frame):
        while frame is not None and frame.f_code is not Latch.wait.__code__:
            frame = frame.f_back
        if frame is not None:
            raise Interrupt

    previous = signal.signal(signal.SIGALRM, interrupt)
    try:
        for _ in range(20_000):
            try:
                signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-6, 4e-5))
                latch.wait(0)
            except Interrupt:
                hits += 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
    assert hits
    waiter = threading.Thread(target=latch.wait, args=(30,))
    waiter.start()
    opener = threading.Thread(target=latch.open, daemon=True)
    opener.start()
    opener.join(10)
    waiter.join(10)
    assert not opener.is_alive() and not waiter.is_alive() and latch.is_open and latch.wait(0)


# A caller reads while it waits, also what is for others. Wherever it is interrupted, they get their answers, and it can go on.
@pytest.mark.parametrize("call", [lambda client: client.status(), lambda client: client.put(b"y", "b").wait()])
def test_interrupts_while_reading(daemon, connect, call):
    client = connect(daemon, answer_timeout=0.2)
    client.connect()

    class Interrupt(Exception):
        pass

    def trace(frame, event, _):
        if frame.f_code.co_name not in watched or not frame.f_code.co_filename.startswith(os.path.dirname(artifactd.__file__)):
            return None
        if event == "line" and looks_for_signals(frame) and next(steps) == place:
            raise Interrupt
        return trace

    watched = {"_await", "_read_until", "_read", "_answer", "_finish", "finish", "_let_go", "open", "_stop_reading", "_expect", "receive"}
    watched |= {"_stop_reading_for", "remove", "_make_ready", "delay", "next", "_pump", "_take_discards"}
    interrupts = not_reached = 0
    # How many steps there are depends on what comes together.
    for place in itertools.count():
        steps, answered = itertools.count(), []
        ticket = client.put(b"x", f"a/{place}")
        before = sys.gettrace()
        sys.settrace(trace)
        try:
            call(client)
            not_reached += 1
        except Interrupt:
            interrupts += 1
        finally:
            sys.settrace(before)
        assert not client.link.is_read_by_caller
        other = threading.Thread(target=lambda: answered.append(client.status(timeout=20)))
        other.start()
        other.join(30)
        eventually(lambda: ticket.is_answered, "an answer")
        assert answered and ticket.accepted
        if not_reached == 5:
            break
    client.wait(timeout=30)
    assert interrupts > 40 and interrupts + 5 == place + 1
    assert {f"a/{number}" for number in range(place + 1)} <= set(daemon.keys())


# Who waits long reads for all others meanwhile, those that nobody waits for included; behind it the keeper does again.
def test_answers_while_another_waits(daemon, connect):
    client = connect(daemon)
    away = daemon.store.with_name("away")
    client.put(b"x", "a").wait("stored")
    daemon.store.rename(away)
    held = client.put(b"y", "b").wait()
    waiting = threading.Thread(target=held.wait, args=("stored", 60))
    waiting.start()
    eventually(lambda: client.link.is_read_by_caller, "a caller that reads")
    for number in range(20):
        client.put(b"z", f"c/{number}").wait(timeout=10)
    unwatched = client.put(b"z", "d")
    eventually(lambda: unwatched.is_answered, "an answer")
    assert waiting.is_alive() and unwatched.accepted
    away.rename(daemon.store)
    waiting.join(60)
    assert not client.link.is_read_by_caller
    unwatched = client.put(b"z", "e")
    eventually(lambda: unwatched.is_answered, "an answer")
    assert unwatched.accepted and held.done and held.error is None


# The daemon dies while one thread reads for several: all get their answers over the next connection.
def test_daemon_dies_while_callers_wait(daemon, connect):
    client = connect(daemon)
    for turn in range(5):
        client.connect()
        daemon.signal(signal.SIGSTOP)
        tickets = [client.put(b"x", f"{turn}/{number}") for number in range(4)]
        threads = [threading.Thread(target=ticket.wait, args=("stored", 30)) for ticket in tickets]
        for thread in threads:
            thread.start()
        eventually(lambda: client.link.is_read_by_caller, "a caller that reads")
        daemon.kill()
        daemon.start()
        for thread in threads:
            thread.join(30)
        assert [(ticket.done, ticket.error) for ticket in tickets] == [(True, None)] * 4
    assert_each_stored_once(client, 20)


# Whoever reads is told when others end its request.
def test_reader_is_told(daemon, connect):
    client = connect(daemon, answer_timeout=60)
    client.connect()
    daemon.signal(signal.SIGSTOP)
    ticket = client.put(b"x", "a")
    errors = []

    def wait():
        try:
            ticket.wait()
        except artifactd.DaemonUnavailable as error:
            errors.append(error)

    waiting = threading.Thread(target=wait, daemon=True)
    waiting.start()
    eventually(lambda: client.link.is_read_by_caller, "a caller that reads")
    client.link.give_up_handovers()
    waiting.join(20)
    assert len(errors) == 1


# A signal's handler may ask while the same thread waits, which goes on then.
def test_handler_asks_while_its_thread_reads(daemon, connect):
    client = connect(daemon, answer_timeout=60)
    away = daemon.store.with_name("away")
    client.put(b"x", "b").wait("stored")
    daemon.store.rename(away)
    held = client.put(b"y", "c").wait()

    def ask(*_):
        assert not client.job(held.job_id).is_final
        away.rename(daemon.store)

    def interrupt():
        eventually(lambda: client.link.is_read_by_caller, "a caller that reads")
        signal.pthread_kill(threading.main_thread().ident, signal.SIGALRM)

    previous = signal.signal(signal.SIGALRM, ask)
    other = threading.Thread(target=interrupt)
    try:
        other.start()
        held.wait("stored", timeout=50)
    finally:
        other.join()
        signal.signal(signal.SIGALRM, previous)


# However the keeper and callers take turns, no answer is overlooked.
def test_many_short_waits(daemon, connect):
    client = connect(daemon, answer_timeout=60)
    longest = []

    def ask():
        times = [time.monotonic()]
        for _ in range(700):
            client.status()
            times.append(time.monotonic())
        longest.append(max(after - before for before, after in zip(times, times[1:])))

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(longest) == 3 and max(longest) < 30


# A handler that comes in the middle of a call cannot make another, and says so instead of waiting for ever.
def test_handler_calls_within_a_call(client, daemon):
    client.connect()

    def trace(frame, event, _):
        if frame.f_code.co_name == "_pump" and event == "line":
            client.status()
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        with pytest.raises(artifactd.InvalidRequest, match="signal's handler called the client in the middle of a call"):
            client.put(b"x", "a")
    finally:
        sys.settrace(before)
    assert client.put(b"y", "b").wait("stored", timeout=20).done


# Wherever a hand-over is interrupted, its file is closed in the end, and nobody is told of a failure that the caller knows of.
def test_interrupts_while_handing_over(daemon, connect, tmp_path, caplog):
    source = tmp_path / "source"
    source.write_bytes(bytes(100_000))
    client = connect(daemon)
    client.put(source, "warm").wait("stored")

    def trace(frame, event, _):
        if os.path.basename(frame.f_code.co_filename) not in ("client.py", "sources.py", "requests.py", "agenda.py"):
            return trace
        if event == "line" and looks_for_signals(frame) and next(steps) == place:
            raise KeyboardInterrupt
        return trace

    def open_sources():
        gc.collect()
        return [each for each in os.listdir("/proc/self/fd") if is_source(f"/proc/self/fd/{each}")]

    def is_source(link):
        try:
            return os.readlink(link) == str(source)
        except FileNotFoundError:
            return False

    for place in itertools.count():
        steps = itertools.count()
        before = sys.gettrace()
        sys.settrace(trace)
        try:
            client.put(source, f"a/{place}")
            break
        except KeyboardInterrupt:
            pass
        finally:
            sys.settrace(before)
        assert client.put(b"x", f"a/{place}").wait("stored", timeout=20)
        eventually(lambda: not open_sources(), "no descriptor is left")
    assert place > 40
    client.close()
    assert caplog.records == []
