"""Runs the example client for MicroPython: python3 bench.py FOLDER PORT"""

import sys
import types

sys.path.insert(0, sys.argv[1])
config = types.ModuleType("config")
config.BROKER, config.PORT, config.USER, config.PASSWORD = "127.0.0.1", int(sys.argv[2]), None, None
config.PICO, config.ROBOT = "bench", "OT2X"
sys.modules["config"] = config

import color_sensor  # noqa: E402

color_sensor.serve(lambda gain: [int(100 * gain) + i for i in range(8)], lambda: None)
