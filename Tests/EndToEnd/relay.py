"""A TCP relay between the daemon and a store: it slows, stops and cuts what passes."""

import contextlib
import socket
import threading


class Relay:
    """Forwards from a port of its own to another.

    `hold()` stops what goes to the store, `release()` lets it go on; `allow(n)` lets n more bytes through and then holds. `mute()`
    keeps the store's answers back until `unmute()`. `down()` refuses connections and cuts those there are, `up()` takes them again
    at the same port.
    """

    def __init__(self, target):
        self.target = target
        self._condition = threading.Condition()
        self._budget = None
        self._is_muted = False
        self._sent = 0
        self._received = 0
        self._connections = set()
        self._listener = None
        self.port = 0
        self.up()

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def sent(self):
        """Bytes that went to the store so far."""
        with self._condition:
            return self._sent

    @property
    def received(self):
        """Bytes that came from the store so far."""
        with self._condition:
            return self._received

    def allow(self, count):
        with self._condition:
            self._budget = count
            self._condition.notify_all()

    def hold(self):
        self.allow(0)

    def release(self):
        self.allow(None)

    def _set_muted(self, value):
        with self._condition:
            self._is_muted = value
            self._condition.notify_all()

    def mute(self):
        self._set_muted(True)

    def unmute(self):
        self._set_muted(False)

    def up(self):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(64)
        self.port = listener.getsockname()[1]
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def down(self):
        # The kernel lets go of the port only when accept() has returned.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._condition:
            connections, self._connections = self._connections, set()
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    close = down

    def _accept(self, listener):
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                client.close()
                continue
            with self._condition:
                self._connections |= {client, server}
            threading.Thread(target=self._pump, args=(client, server, True), daemon=True).start()
            threading.Thread(target=self._pump, args=(server, client, False), daemon=True).start()

    def _take(self, wanted):
        """How much may pass now; waits until it is more than nothing."""
        with self._condition:
            self._condition.wait_for(lambda: self._budget is None or self._budget > 0)
            if self._budget is not None:
                wanted = min(wanted, self._budget)
                self._budget -= wanted
            self._sent += wanted
            return wanted

    def _pass(self, count):
        with self._condition:
            self._condition.wait_for(lambda: not self._is_muted)
            self._received += count
        return count

    def _pump(self, source, target, is_metered):
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                view = memoryview(data)
                while view:
                    count = self._take(len(view)) if is_metered else self._pass(len(view))
                    target.sendall(view[:count])
                    view = view[count:]
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        if is_metered:
            with self._condition:
                self._connections -= {source, target}
