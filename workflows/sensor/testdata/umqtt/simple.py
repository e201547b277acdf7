"""A stand-in for MicroPython's umqtt.simple, for CPython: the same calls, MQTT 3.1.1,
and no more than that module can do."""

import select
import socket
import struct


class MQTTException(Exception):
    pass


class MQTTClient:
    def __init__(self, client_id, server, port=0, user=None, password=None, keepalive=0, ssl=None):
        if ssl:
            raise NotImplementedError
        self.client_id, self.at = client_id, (server, port or 1883)
        self.user, self.password, self.keepalive = user, password, keepalive
        self.sock, self.callback, self.number = None, None, 0

    def set_callback(self, f):
        self.callback = f

    def _text(self, s):
        data = s if isinstance(s, bytes) else s.encode()
        return struct.pack("!H", len(data)) + data

    def _send(self, first, body):
        head, n = bytearray([first]), len(body)
        while True:
            n, low = n >> 7, n & 0x7F
            head.append(low | 0x80 if n else low)
            if not n:
                break
        self.sock.sendall(bytes(head) + body)

    def _read(self, n):
        data = b""
        while len(data) < n:
            more = self.sock.recv(n - len(data))
            if not more:
                raise OSError(-1)
            data += more
        return data

    def _packet(self):
        first, length, shift = self._read(1)[0], 0, 0
        while True:
            b = self._read(1)[0]
            length |= (b & 0x7F) << shift
            shift += 7
            if b < 0x80:
                return first, self._read(length)

    def connect(self, clean_session=True):
        self.sock = socket.create_connection(self.at)
        flags = 2 if clean_session else 0
        if self.user is not None:
            flags |= 0xC0
        body = self._text("MQTT") + bytes([4, flags]) + struct.pack("!H", self.keepalive) + self._text(self.client_id)
        if self.user is not None:
            body += self._text(self.user) + self._text(self.password)
        self._send(0x10, body)
        first, answer = self._packet()
        if first != 0x20 or answer[1]:
            raise MQTTException(answer[1])
        return answer[0] & 1

    def publish(self, topic, msg, retain=False, qos=0):
        if qos:
            raise NotImplementedError
        msg = msg if isinstance(msg, bytes) else msg.encode()
        self._send(0x30 | (1 if retain else 0), self._text(topic) + msg)

    def subscribe(self, topic, qos=0):
        self.number += 1
        self._send(0x82, struct.pack("!H", self.number) + self._text(topic) + bytes([qos]))
        while True:
            if self.wait_msg() == 0x90:
                return

    def ping(self):
        self._send(0xC0, b"")

    def check_msg(self):
        ready, _, _ = select.select([self.sock], [], [], 0)
        if ready:
            return self.wait_msg()

    def wait_msg(self):
        first, body = self._packet()
        if first == 0x90 and body[2] == 0x80:
            raise MQTTException(body[2])
        if first & 0xF0 != 0x30:
            return first
        n = struct.unpack("!H", body[:2])[0]
        topic, rest = body[2 : 2 + n], body[2 + n :]
        if first & 6:
            number, rest = rest[:2], rest[2:]
        self.callback(topic, rest)
        if first & 6:
            self._send(0x40, number)
        return first
