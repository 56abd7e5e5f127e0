import pa_ringbuffer
from Cython.Build import cythonize
from setuptools import Extension, setup

extension = Extension("_meter", ["_meter.pyx"], **pa_ringbuffer.build_arguments())
setup(ext_modules=cythonize([extension]))
