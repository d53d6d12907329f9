#!/usr/bin/env bash
# The verdict of ./dev bench versus: what is worse, and by how much it may be.
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)

# verdict EXPECTED_STATUS LINE...: each line is WHAT SIDE VALUE.
verdict() {
  local expected="$1" status=0
  shift
  printf '%s\n' "$@" | tr ' ' '\t' | awk -f "$here/../../bench/versus/table.awk" >/dev/null 2>&1 || status=$?
  [ $status -eq "$expected" ] || { printf 'expected status %s, got %s: %s\n' "$expected" $status "$*" && exit 1; }
}

verdict 0 'train:s old 100' 'train:s new 98' 'train:MB old 100' 'train:MB new 102'
verdict 1 'train:s old 100' 'train:s new 97.9' # slower
verdict 1 'train:MB old 100' 'train:MB new 102.1' # more memory
verdict 0 'train:MB old 100' 'train:MB new 50'
# The median decides, whatever order they come in; one slow turn is no matter.
verdict 0 'a:s new 10' 'a:s old 100' 'a:s new 101' 'a:s old 100' 'a:s new 99' 'a:s old 9'
verdict 1 'a:s new 90' 'a:s old 100' 'a:s new 200' 'a:s old 100' 'a:s new 91' 'a:s old 99'
verdict 1 'a:s old 1' 'a:s new 1' 'b:s old 2' 'b:s new 1' # any of them
verdict 1 'a:s old 1' # one side only
verdict 1 ''
