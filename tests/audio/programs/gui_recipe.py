"""Use the slider of examples/recipes/gui_tk.py or gui_qt.py as a reader does, and read the meter.

    gui_recipe.py '{"heard": "heard", "sound": "sound.npy"}' gui_tk.py ARGS…

Prints the meter's value as JSON.
"""

import json
import runpy
import sys
from pathlib import Path

import numpy as np
from pa_ringbuffer.streams import callbacks

sys.path.insert(0, str(Path(__file__).parents[2]))
from virtual_card import Card

config = json.loads(sys.argv[1])
card = Card(np.load(config["sound"]))
card.install()
# The machine may be busy.
callbacks.AHEAD = dict.fromkeys(callbacks.AHEAD, 0.4)


def steps(move, value, end):
    """An action for when the loudspeaker has had that many frames."""
    yield 12000, lambda: move(1.0)
    yield 36000, lambda: move(0.25)
    yield 60000, lambda: print(json.dumps({"meter": value()}))
    yield 60000, end


def drive(later, todo):
    """Do one step after the other, whenever the window's toolkit has time."""
    pending = list(todo)

    def look():
        # The loudspeaker was opened last.
        while pending and card.frames >= pending[0][0]:
            pending.pop(0)[1]()
        if pending:
            later(20, look)

    later(20, look)


def use_tk():
    import tkinter
    from tkinter import ttk

    original = tkinter.Misc.mainloop

    def mainloop(root, n=0):
        widgets = root.winfo_children()
        (slider,) = (widget for widget in widgets if isinstance(widget, ttk.Scale))
        (meter,) = (widget for widget in widgets if isinstance(widget, ttk.Progressbar))

        def move(share):
            slider.set(share * slider.cget("to"))

        drive(root.after, steps(move, lambda: float(meter["value"]), root.destroy))
        original(root, n)

    tkinter.Misc.mainloop = mainloop


def use_qt():
    from PySide6.QtCore import QTimer
    from PySide6.QtWidgets import QApplication, QProgressBar, QSlider

    original = QApplication.exec

    def run(*arguments):
        (window,) = QApplication.topLevelWidgets()
        slider, meter = window.findChild(QSlider), window.findChild(QProgressBar)

        def move(share):
            slider.setValue(round(share * slider.maximum()))

        drive(QTimer.singleShot, steps(move, meter.value, window.close))
        return original()

    QApplication.exec = run


del sys.argv[:2]
if Path(sys.argv[0]).name == "gui_tk.py":
    use_tk()
else:
    use_qt()
runpy.run_path(sys.argv[0], run_name="__main__")
for number, device in enumerate(card.devices):
    if device.channels[1]:
        np.save(f"{config['heard']}{number}.npy", device.heard)
