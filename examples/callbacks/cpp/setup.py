import pa_ringbuffer
from pybind11.setup_helpers import Pybind11Extension, build_ext
from setuptools import setup

extension = Pybind11Extension(
    "_sampler", ["sampler.cpp"], cxx_std=17, **pa_ringbuffer.build_arguments()
)
setup(ext_modules=[extension], cmdclass={"build_ext": build_ext})
