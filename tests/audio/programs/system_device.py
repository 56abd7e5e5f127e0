"""Run one of sounddevice's examples, what is left on the command line, with "system" as the default
device; and press the buttons of rec_gui.py: it records until stdin ends.
"""

import queue
import runpy
import sys
import threading

import sounddevice

sounddevice.default.device = "system"


def use_recording_window():
    import tkinter

    mainloop = tkinter.Misc.mainloop

    def press(window, n=0):
        is_over = threading.Event()

        def wait():
            sys.stdin.readline()
            is_over.set()

        def look():
            if not is_over.is_set():
                window.after(20, look)
            elif window.recording:
                window.on_stop()
                window.after(20, look)
            elif window.thread.is_alive():
                window.after(20, look)
            else:
                window.close_window()

        window.on_rec()
        print("recording", flush=True)
        threading.Thread(target=wait, daemon=True).start()
        look()
        mainloop(window, n)

    tkinter.Misc.mainloop = press
    # The example starts its stream before it has what its callback needs. JACK mostly calls in
    # between, and the stream is then aborted, with sounddevice and with ours.
    tkinter.Tk.recording = tkinter.Tk.previously_recording = False
    tkinter.Tk.peak, tkinter.Tk.metering_q = 0, queue.Queue(maxsize=1)


del sys.argv[0]
if sys.argv[0].endswith("rec_gui.py"):
    use_recording_window()
runpy.run_path(sys.argv[0], run_name="__main__")
