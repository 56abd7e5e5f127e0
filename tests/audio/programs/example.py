"""Run one of the examples with "system" as the default device; the command line has the rest.

Where ALSA has plugins for JACK or PulseAudio, PortAudio's own default is one of these.
"""

import faulthandler
import runpy
import signal
import sys

import sounddevice
from streams import find_device

faulthandler.enable()
# The program has one minute.
faulthandler.dump_traceback_later(60, exit=True)
# A shell that runs the tests in the background has Ctrl-C ignored, also here.
signal.signal(signal.SIGINT, signal.default_int_handler)
find_device()
sounddevice.default.device = "system"
del sys.argv[0]
runpy.run_path(sys.argv[0], run_name="__main__")
