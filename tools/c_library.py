"""Compile the C library, and describe it to pkg-config and CMake.

`install_c.py` puts it where a system has libraries, `wheel_contents.py` into the Python package.
"""

import json
import os
import pathlib
import subprocess
import sys

CRATE = pathlib.Path(__file__).resolve().parent.parent / "crates" / "pa-ringbuffer-capi"
STATIC = ("libpa_ringbuffer.a", "pa_ringbuffer.lib")
IMPORT_LIBRARY = ("libpa_ringbuffer.dll.a", "pa_ringbuffer.dll.lib")
PKG_CONFIG = """\
prefix={prefix}
libdir={libdir}
includedir=${{prefix}}/include

Name: pa_ringbuffer
Description: PortAudio's lock-free ring buffer, and a callback for PortAudio streams
Version: {version}
Libs: {libraries}
Cflags: -I${{includedir}}
"""
CMAKE = """\
# Targets: pa_ringbuffer::static and, if there is a shared library, pa_ringbuffer::shared.
# pa_ringbuffer::pa_ringbuffer is the static one.

get_filename_component(_pa_ringbuffer_lib "{lib}" ABSOLUTE)
get_filename_component(_pa_ringbuffer_include "{include}" ABSOLUTE)

if(NOT TARGET pa_ringbuffer::static)
  add_library(pa_ringbuffer::static STATIC IMPORTED)
  set_target_properties(pa_ringbuffer::static PROPERTIES
    IMPORTED_LOCATION "${{_pa_ringbuffer_lib}}/{static}"
    IMPORTED_LINK_INTERFACE_LANGUAGES C
    INTERFACE_INCLUDE_DIRECTORIES "${{_pa_ringbuffer_include}}")
  add_library(pa_ringbuffer::pa_ringbuffer INTERFACE IMPORTED)
  set_target_properties(pa_ringbuffer::pa_ringbuffer PROPERTIES
    INTERFACE_LINK_LIBRARIES pa_ringbuffer::static)
{shared}endif()

unset(_pa_ringbuffer_lib)
unset(_pa_ringbuffer_include)
"""
CMAKE_SHARED = """\
  add_library(pa_ringbuffer::shared SHARED IMPORTED)
  set_target_properties(pa_ringbuffer::shared PROPERTIES
{properties}
    INTERFACE_INCLUDE_DIRECTORIES "${{_pa_ringbuffer_include}}")
"""
#: As the header says: before 1.0, the minor version is the one of the interface.
CMAKE_VERSION = """\
set(PACKAGE_VERSION "{version}")
set(PACKAGE_VERSION_COMPATIBLE FALSE)
if(NOT PACKAGE_FIND_VERSION VERSION_GREATER PACKAGE_VERSION
    AND PACKAGE_FIND_VERSION_MAJOR EQUAL {major}
    AND ({major} GREATER 0 OR PACKAGE_FIND_VERSION_COUNT LESS 2
      OR PACKAGE_FIND_VERSION_MINOR EQUAL {minor}))
  set(PACKAGE_VERSION_COMPATIBLE TRUE)
endif()
if(PACKAGE_FIND_VERSION VERSION_EQUAL PACKAGE_VERSION)
  set(PACKAGE_VERSION_EXACT TRUE)
endif()
"""


def build(**variables):
    """Compile the library, with these variables in Cargo's environment.

    Returns its version, and the paths of the files.
    """
    command = (
        "cargo",
        "build",
        "--release",
        "--locked",
        "--message-format=json-render-diagnostics",
    )
    result = subprocess.run(
        command, cwd=CRATE, stdout=subprocess.PIPE, check=False, env={**os.environ, **variables}
    )
    if result.returncode:
        sys.exit(result.returncode)
    for line in result.stdout.splitlines():
        message = json.loads(line)
        if message["reason"] != "compiler-artifact":
            continue
        if pathlib.Path(message["manifest_path"]).parent != CRATE:
            continue
        if "staticlib" in message["target"]["kind"]:
            version = message["package_id"].rsplit("#", 1)[1].rsplit("@", 1)[-1]
            return version, [pathlib.Path(name) for name in message["filenames"]]
    raise AssertionError("cargo does not say what it has built")


def headers():
    """The header files, for C and for C++."""
    return sorted(CRATE.joinpath("include").glob("*.h*"))


def pkg_config(version, prefix, libdir, libraries="-L${libdir} -lpa_ringbuffer"):
    """The text of the pkg-config file."""
    return PKG_CONFIG.format(prefix=prefix, libdir=libdir, libraries=libraries, version=version)


def cmake(version, names, lib, include, dll="${_pa_ringbuffer_lib}/pa_ringbuffer.dll"):
    """Names and texts of the files for CMake's find_package().

    *names* are those of the libraries, as Cargo has them; *lib*, *include* and *dll* say in CMake's
    words where they, the headers and a DLL are.
    """
    (static,) = set(names).intersection(STATIC)
    properties = {}
    if "libpa_ringbuffer.so" in names:
        properties["IMPORTED_LOCATION"] = "${_pa_ringbuffer_lib}/libpa_ringbuffer.so.0"
        properties["IMPORTED_SONAME"] = "libpa_ringbuffer.so.0"
    elif "libpa_ringbuffer.dylib" in names:
        properties["IMPORTED_LOCATION"] = "${_pa_ringbuffer_lib}/libpa_ringbuffer.0.dylib"
        properties["IMPORTED_SONAME"] = "@rpath/libpa_ringbuffer.0.dylib"
    elif "pa_ringbuffer.dll" in names:
        (import_library,) = set(names).intersection(IMPORT_LIBRARY)
        properties["IMPORTED_LOCATION"] = dll
        properties["IMPORTED_IMPLIB"] = "${_pa_ringbuffer_lib}/" + import_library
    lines = "\n".join(f'    {name} "{value}"' for name, value in properties.items())
    config = CMAKE.format(
        lib=lib,
        include=include,
        static=static,
        shared=CMAKE_SHARED.format(properties=lines) if properties else "",
    )
    major, minor, _ = version.split(".", 2)
    return {
        "pa_ringbuffer-config.cmake": config,
        "pa_ringbuffer-config-version.cmake": CMAKE_VERSION.format(
            version=version, major=major, minor=minor
        ),
    }
