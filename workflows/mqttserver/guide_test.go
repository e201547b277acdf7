package mqttserver

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ot2flow/ot2flow/workflows/mqtt/mqtttest"
)

// guideClient is a client as the lab's guide has it: it sends to the command topic, and
// waits at the result topic for its request_id, with a session that is always new.
const guideClient = `
import json, sys, threading, uuid
import paho.mqtt.client as mqtt

class MQTTOrchestratorClient:
    def __init__(self, broker, device_id, port=1883, timeout=120):
        self.device_id, self.timeout = device_id, timeout
        self.results, self.arrived, self.status = {}, threading.Condition(), None
        self.client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=f"orchestrator-{uuid.uuid4()}")
        self.client.on_connect, self.client.on_message = self._connected, self._message
        self.ready = threading.Event()
        self.client.connect(broker, port)
        self.client.loop_start()
        assert self.ready.wait(timeout)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.loop_stop()
        self.client.disconnect()

    def _connected(self, client, userdata, flags, reason_code, properties):
        client.subscribe(f"ot2/{self.device_id}/result")
        client.subscribe(f"ot2/{self.device_id}/status")
        self.ready.set()

    def _message(self, client, userdata, message):
        payload = json.loads(message.payload.decode())
        with self.arrived:
            if message.topic.endswith("/status"):
                self.status = payload
            else:
                self.results.setdefault(payload["request_id"], []).append(payload)
            self.arrived.notify_all()

    def send(self, command):
        self.client.publish(f"ot2/{self.device_id}/command", command if isinstance(command, str) else json.dumps(command))

    def wait(self, request_id, times=1):
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.results.get(request_id, [])) >= times, self.timeout)
            return self.results[request_id][-1]

    def execute_task(self, task_name, **parameters):
        request_id = str(uuid.uuid4())
        self.send({"request_id": request_id, "task_name": task_name, "parameters": parameters})
        answer = self.wait(request_id)
        if answer["status"] != "success":
            raise RuntimeError(answer["error"])
        return answer["result"]
`

const guideProgram = guideClient + `
with MQTTOrchestratorClient("127.0.0.1", "ot2-001", int(sys.argv[1])) as client:
    result = client.execute_task("mix_colors", R=100, mix_well="A1")
    assert result == {"total": "100 uL"}, result
    for task, parameters, says in (("mix_color", {}, "did you mean"), ("mix_colors", {"R": 500}, "R is 500 uL")):
        try:
            client.execute_task(task, **parameters)
            raise SystemExit("it was not refused")
        except RuntimeError as refused:
            assert says in str(refused), refused
    with client.arrived:
        assert client.arrived.wait_for(lambda: client.status, client.timeout)
    assert client.status["status"] == "online" and sorted(client.status["available_tasks"]) == ["mix_colors", "share"], client.status

    again = {"request_id": "the same", "task_name": "share", "parameters": {"n": 4}}
    client.send(again)
    first = client.wait("the same")
    client.send(again)  # as a client does that was not answered in time
    second = client.wait("the same", 2)
    assert first["run"] == second["run"] and second["result"] == {"twice": 8}, second

    client.send("no JSON")
    assert client.wait("")["status"] == "error"
    client.send({"task_name": "share"})
    assert "request_id" in client.wait("", 2)["error"]
`

// paho is Python with paho-mqtt; empty where nobody says where it is.
func paho() string { return os.Getenv("OT2FLOW_PAHO") }

// Clients in Python that were written as the guide shows work unchanged.
func TestGuide(t *testing.T) {
	python := paho()
	if python == "" {
		t.Skip("OT2FLOW_PAHO is not set to a Python with paho-mqtt")
	}
	broker := mqtttest.Start(t)
	b := serve(t, broker.URL, "ot2-001", filepath.Join(t.TempDir(), "j.db"), folderOf(t, mixText, shareText))
	out, err := exec.Command(python, "-c", guideProgram, broker.URL[strings.LastIndexByte(broker.URL, ':')+1:]).CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if n, m := b.runs("share"), b.runs("mix_colors"); n != 1 || m != 1 {
		t.Errorf("%d and %d runs", n, m)
	}
}
