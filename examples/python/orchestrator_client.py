"""Have a device server of ot2flow carry out tasks, from Python.

Copy this file beside your own; it needs Python 3.8 or later and nothing else. The names are
those of the OrchestratorClient that many labs wrote for a server of their own:

    with OrchestratorClient("http://localhost:8000") as client:
        result = client.execute_task("mix_colors", R=100, Y=50, B=30, mix_well="A1")

A task is submitted under a key, so that it is carried out once even where the connection breaks
and it is submitted again. A wait that ends does not end the run: StillRunning says which one it
is, and wait(run_id) waits again.
"""

import json
import os
import socket
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid

__all__ = ["OrchestratorClient", "TaskError", "TaskRefused", "StillRunning", "Unreachable"]


class TaskError(RuntimeError):
    """A task that did not end well. `run` is how it stands, a dictionary, or None."""

    def __init__(self, message, run=None):
        super().__init__(message)
        self.run = run


class TaskRefused(TaskError):
    """The server does not do what it is asked for. `status` is that of HTTP; `errors` are the
    parameters that are wrong, each with `location` and `message`."""

    def __init__(self, message, status, errors=()):
        super().__init__(message)
        self.status = status
        self.errors = list(errors)


class StillRunning(TaskError):
    """The wait is over and the run is not: run["id"] is what wait() takes."""


class Unreachable(TaskError):
    """The server did not answer for as long as was waited."""


class OrchestratorClient:
    """Asks one server. `timeout` is how long a task is waited for, in seconds; None waits until
    it is over. The token, for servers that ask who you are, is that in OT2FLOW_TOKEN unless one
    is given; `ca_file` is the lab's certificate authority."""

    def __init__(self, base_url, timeout=None, token=None, ca_file=None):
        self.base_url = base_url.rstrip("/")
        self.timeout = timeout
        self.token = token or os.environ.get("OT2FLOW_TOKEN", "").strip()
        context = ssl.create_default_context(cafile=ca_file)
        self._opener = urllib.request.build_opener(
            urllib.request.HTTPSHandler(context=context), _NoRedirect()
        )

    def execute_task(self, task_name, **parameters):
        """Has a task carried out and returns what it returns, by name."""
        run = self.wait(self.submit_task(task_name, **parameters))
        return run.get("result", {})

    def submit_task(self, task_name, _key=None, _robot=None, _priority=None, _experiment=None, **parameters):
        """Has a task carried out and returns the id of its run as soon as it is accepted. Under
        one key nothing is accepted twice; a key of your own outlives this program."""
        query = {"robot": _robot, "priority": _priority, "experiment": _experiment}
        query = urllib.parse.urlencode({k: v for k, v in query.items() if v is not None})
        path = "/tasks/%s/runs%s" % (urllib.parse.quote(task_name, safe=""), "?" + query if query else "")
        headers = {"Idempotency-Key": _key or str(uuid.uuid4())}
        return self._patiently("POST", path, parameters, headers, time.monotonic())["id"]

    def wait(self, run_id, timeout=None):
        """Waits until a run is over and returns how it ended. TaskError is one that did not end
        well, StillRunning one that is not over in time."""
        began = time.monotonic()
        timeout = self.timeout if timeout is None else timeout
        while True:
            left = _SLICE if timeout is None else timeout - (time.monotonic() - began)
            headers = {"Prefer": "wait=%d" % max(0, min(left, _SLICE))}
            run = self._patiently("GET", "/runs/" + urllib.parse.quote(run_id, safe=""), None, headers, began, timeout)
            if run["over"]:
                break
            if timeout is not None and time.monotonic() - began >= timeout:
                raise StillRunning("run %s is not over: %s" % (run_id, _stands(run)), run)
        if run["state"] != "ok":
            raise TaskError("run %s: %s" % (run_id, _stands(run)), run)
        return run

    def get_available_tasks(self):
        """What can be carried out: a dictionary by the names of the tasks."""
        return {t["name"]: t for t in self._ask("GET", "/tasks")["tasks"]}

    def health(self):
        """Whether the server is there, and what it does."""
        return self._ask("GET", "/health")

    def answer(self, run_id, value):
        """Answers what a run asks a person."""
        return self._ask("POST", "/runs/%s/answer" % urllib.parse.quote(run_id, safe=""), {"value": str(value)})

    def stop(self, run_id):
        """Asks that a run is to stop; it has when wait() says so."""
        return self._ask("POST", "/runs/%s/stop" % urllib.parse.quote(run_id, safe=""))

    def close(self):
        """Nothing is held open; it is there for programs that call it."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _patiently(self, method, path, body, headers, began, timeout=None):
        """Asks again while nobody answers. What it asks for may be asked twice."""
        timeout = self.timeout if timeout is None else timeout
        while True:
            try:
                return self._ask(method, path, body, headers)
            except Unreachable:
                if timeout is not None and time.monotonic() - began >= timeout:
                    raise
                if timeout is None and time.monotonic() - began >= _PATIENCE:
                    raise
                time.sleep(_AGAIN)

    def _ask(self, method, path, body=None, headers=None):
        request = urllib.request.Request(self.base_url + path, method=method, headers=dict(headers or {}))
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        if self.token:
            request.add_unredirected_header("Authorization", "Bearer " + self.token)
        try:
            with self._opener.open(request, timeout=_SLICE + 30) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            raise _refused(error) from None
        except (urllib.error.URLError, socket.timeout, ConnectionError, ValueError, EOFError) as error:
            raise Unreachable("%s does not answer: %s" % (self.base_url, getattr(error, "reason", error))) from None


_SLICE = 30  # seconds of one request that waits
_AGAIN = 0.5  # seconds until it is tried again
_PATIENCE = 600  # seconds for which a server may be away where nobody says how long to wait


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A device server never sends a client elsewhere, and the token is for it alone."""

    def redirect_request(self, *_):
        return None


def _refused(error):
    try:
        problem = json.load(error)
    except ValueError:
        problem = {}
    if error.code in (502, 504) and not problem:
        return Unreachable("nobody is there behind %s" % error.url)
    errors = problem.get("errors") or []
    lines = ["%s: %s" % (e.get("location", "").replace("body.", "") or "body", e["message"]) for e in errors]
    return TaskRefused("\n".join(lines) or problem.get("detail") or str(error), error.code, errors)


def _stands(run):
    text = run["state"].replace("_", " ")
    if run.get("question"):
        return text + "; it asks: " + run["question"]["message"]
    return text + (": " + run["reason"] if run.get("reason") else "")
