"""A wireless colour sensor for ot2flow: a Raspberry Pi Pico W with an AS7341.

Copy this file to the Pico as main.py, beside config.py, the driver of your sensor and
umqtt/simple.py (mip install umqtt.simple). It needs MQTT 3.1.1 and nothing more: QoS 0
for what it says, since whoever asks asks again.

config.py:

    WIFI, WIFI_PASSWORD = "lab", "..."
    BROKER, PORT = "broker.lab.example", 1883
    USER, PASSWORD = "sensor-1", "..."     # as the broker knows it; None for none
    PICO, ROBOT = "sensor-1", "OT2CEP..."  # parts of the topics

It is asked at command/picow/PICO/as7341/read and answers at color-mixing/picow/PICO/as7341
with all that it was asked, so also with the ids by which the answer is known, and with
its eight channels under sensor_data. What goes wrong is said in the answer, under error;
busy says that it may pass.
"""

import json
import time

from umqtt.simple import MQTTClient

import config

CHANNELS = ("ch410", "ch440", "ch470", "ch510", "ch550", "ch583", "ch620", "ch670")
LONGEST = 4096  # bytes of a command; there is not much memory

COMMANDS = "command/picow/%s/as7341/read" % config.PICO
DATA = "color-mixing/picow/%s/as7341" % config.PICO
STATUS = "status/ot2/%s/complete" % config.ROBOT


class Device:
    """Answers what it is asked; read gives eight counts at a gain."""

    def __init__(self, client, read):
        self.client, self.read = client, read
        self.in_place = False
        client.set_callback(self.hear)

    def begin(self):
        self.client.connect()
        self.client.subscribe(STATUS, 1)
        self.client.subscribe(COMMANDS, 1)

    def hear(self, topic, message):
        try:
            if topic.decode() == STATUS:
                self.told(message)
                return
            answer = self.answer(message)
        except Exception as e:  # a sensor that stops is of no use to anybody
            answer = {"error": "the sensor failed: %s" % e}
        self.client.publish(DATA, json.dumps(answer))

    def told(self, message):
        try:
            where = json.loads(message)["status"]["sensor_status"]
        except (ValueError, KeyError, TypeError):
            return  # not about the sensor
        if where in ("in_place", "charging"):
            self.in_place = where == "in_place"

    def answer(self, message):
        if len(message) > LONGEST:
            return {"error": "the command is too long"}
        try:
            out = json.loads(message)
        except ValueError:
            return {"error": "the command is no JSON"}
        if not isinstance(out, dict):
            return {"error": "the command is no JSON object"}
        for key in ("error", "busy", "sensor_data"):
            out.pop(key, None)
        command = out.get("command")
        gain = command.get("gain", 32) if isinstance(command, dict) else 32
        if not isinstance(gain, (int, float)) or not 0.5 <= gain <= 512:
            out["error"] = "command.gain is not between 0.5 and 512"
        elif not self.in_place:
            out["error"], out["busy"] = "the sensor is charging", True
        else:
            out["sensor_data"] = dict(zip(CHANNELS, self.read(gain)))
        return out


def pico():
    """The sensor on the Pico, by the driver as7341_sensor on I2C 0."""
    from machine import I2C, Pin

    from as7341_sensor import Sensor

    sensor = Sensor(i2c=I2C(0, scl=Pin(5), sda=Pin(4)))

    def read(gain):
        sensor.gain = gain
        return sensor.all_channels

    return read


def online():
    """Waits for the WLAN."""
    import network

    wlan = network.WLAN(network.STA_IF)
    wlan.active(True)
    while not wlan.isconnected():
        wlan.connect(config.WIFI, config.WIFI_PASSWORD)
        for _ in range(20):
            if wlan.isconnected():
                return
            time.sleep(0.5)


def client():
    return MQTTClient(config.PICO, config.BROKER, port=config.PORT, user=config.USER, password=config.PASSWORD, keepalive=60)


def serve(read, online):
    """Answers for ever; a connection that is lost is made again."""
    while True:
        try:
            online()
            c = client()
            Device(c, read).begin()
            heard = 0
            while True:
                c.check_msg()
                time.sleep(0.05)
                heard += 1
                if heard % 400 == 0:  # every 20 s, so that the broker knows that we are here
                    c.ping()
        except OSError as e:
            print("lost:", e)
            time.sleep(2)


if __name__ == "__main__":
    serve(pico(), online)
