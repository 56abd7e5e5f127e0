"""A Matplotlib backend without window: `show()` draws and calls timers until it has lasted enough.

Its path is in the environment variable MPLBACKEND; what the figure's lines show at the end goes to
the file in the variable SHOWN.
"""

import os
import time
from typing import ClassVar

import numpy as np
from matplotlib import pyplot
from matplotlib.backend_bases import FigureManagerBase, TimerBase, _Backend
from matplotlib.backends.backend_agg import FigureCanvasAgg

SECONDS = 1.5


class Timer(TimerBase):
    running = None

    def _timer_start(self):
        FigureCanvas.timers.append(self)

    def _timer_stop(self):
        if self in FigureCanvas.timers:
            FigureCanvas.timers.remove(self)


class FigureCanvas(FigureCanvasAgg):
    timers: ClassVar = []
    _timer_cls = Timer
    manager_class = FigureManagerBase

    def new_timer(self, interval=None, callbacks=None):
        return Timer(interval, callbacks)


@_Backend.export
class _WithoutWindow(_Backend):
    FigureCanvas = FigureCanvas
    FigureManager = FigureManagerBase

    @staticmethod
    def mainloop():
        figure = pyplot.gcf()
        figure.canvas.draw()
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            for timer in list(FigureCanvas.timers):
                timer._on_timer()
            time.sleep(0.03)
        (axes,) = figure.axes
        np.save(os.environ["SHOWN"], [line.get_ydata() for line in axes.lines])


show = _WithoutWindow.show
