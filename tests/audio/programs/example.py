"""Run one of the examples: what is left on the command line."""

import faulthandler
import runpy
import signal
import sys

from streams import find_device

faulthandler.enable()
# The program has one minute.
faulthandler.dump_traceback_later(60, exit=True)
# A shell that runs the tests in the background has Ctrl-C ignored, also here.
signal.signal(signal.SIGINT, signal.default_int_handler)
find_device()
del sys.argv[0]
runpy.run_path(sys.argv[0], run_name="__main__")
