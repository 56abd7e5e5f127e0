#!/bin/sh
# Uses rings badly (tools/fuzz.py) while valgrind looks at each access, and fails if something that
# it reports has to do with the extension. The interpreter itself has reports that mean nothing.
#
#     sh tools/fuzz_valgrind.sh PYTHON SECONDS
set -eu

log=build/fuzz/valgrind.log
mkdir -p build/fuzz
PYTHONMALLOC=malloc valgrind --num-callers=40 --log-file="$log" \
    "$1" tools/fuzz.py --classes native --examples 10 --seconds "$2"
grep 'ERROR SUMMARY' "$log"
if grep -q '_native' "$log"; then
    echo "Some of it leads through the extension, see $log." >&2
    exit 1
fi
echo 'None of it leads through the extension.'
