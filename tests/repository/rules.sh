#!/usr/bin/env bash
# Rules of the sources that no compiler checks.
#
#   rules.sh RULE FOLDER   prints every violation in a source tree, and fails where there is one
#   rules.sh prove RULE    proves that RULE finds what it is there to find, and passes where there is nothing
set -euo pipefail
export LC_ALL=C
here=$(dirname -- "$(realpath -- "$0")")

# Each rule reads the names of files, and succeeds when it has printed nothing.

layering() { grep -v '^tests/' | xargs -r awk -f "$here/layering.awk"; }

# No rule, but a picture of them: the rooms of each floor and what they include.
rooms() { grep -v '^tests/' | xargs -r awk -v graph=1 -f "$here/layering.awk"; }

# A newcomer finds each room on one map.
every_room_is_on_the_map() {
  local room file bad=0
  while read -r room file; do
    grep -qF "[\`$room\`]" CONTRIBUTING.md && continue
    echo "$file: CONTRIBUTING.md has no line for $room"
    bad=1
  done < <(grep -E '^(core|text|vision|multimodal|cli)/[^/]+/' | awk -F/ '!seen[$1 "/" $2]++ { print $1 "/" $2, $0 }')
  return $bad
}

ascii() { none xargs -r grep -nH '[^ -~	]'; }

# The core is built of ideas; what a published model combines is a configuration elsewhere.
core_knows_no_family() {
  local families='(open_?)?clip|siglip[0-9]?|bert|gpt_?[0-9]?|llama|qwen[0-9]?|phi_?[0-9]|t5|marian|blip|vit|dino(v[0-9])?|timm'
  local libraries='opencv2|jpeglib|stb|sentencepiece|pcre2|utf8proc'
  grep '^core/' | none xargs -r grep -nHiE "(^|[^a-z])($families)([^a-z]|\$)|# *include <($libraries)"
}

short_files() {
  xargs -r wc -l | awk '$2 != "total" && $1 > 500 { print $2 ": " $1 " lines; 500 is the limit"; bad = 1 } END { exit bad }'
}

# Only the command prints and ends the process.
library_is_silent() {
  grep -E '^(include|core|text|vision|multimodal)/' | none xargs -r grep -nHE \
    'std::(cout|cerr|clog|terminate|quick_exit)|<iostream>|(^|[^a-zA-Z_])(printf|fprintf|puts|perror|exit|_exit|abort|assert) ?\('
}

# Any Error would do for EXPECT_THROW: tests/support/expect_error.h asks for the code and a part of the message.
tests_name_errors() {
  grep '^tests/' | none xargs -r grep -nHE '_THROW\(.*[ :]Error\)|^ *(beeld::)?Error\)( <<|;)'
}

none() { ! "$@"; }

check() {
  cd -- "$2"
  local folders=()
  for folder in include core text vision multimodal cli examples data bench tests; do
    if [ -d "$folder" ]; then folders+=("$folder"); fi
  done
  find "${folders[@]}" -name '*.cpp' -o -name '*.h' | sort | "$1"
}

# plant FILE LINE: a tree that holds one harmless file for every rule to read, and this one.
plant() {
  rm -rf -- "${tree:?}"/*
  mkdir -p -- "$tree/core/ops" "$tree/include/beeld" "$(dirname -- "$tree/$1")"
  printf '#include <beeld/error.h>\n#include "core/tensor/tensor.h"\n' >"$tree/core/ops/harmless.cpp"
  printf '#include <beeld/error.h>\n#include <vector>\n' >"$tree/include/beeld/image.h"
  printf '[`core/ops`](core/ops)\n' >"$tree/CONTRIBUTING.md"
  printf '%b\n' "$2" >"$tree/$1"
}

must_find() {
  plant "$2" "$3"
  local found
  if found=$(check "$1" "$tree"); then
    echo "$1 does not find '$3' in $2"
    exit 1
  fi
  case "$found" in *"$2"*) ;; *) echo "$1 does not name $2 but prints '$found'" && exit 1 ;; esac
}

must_pass() {
  plant "$2" "$3"
  check "$1" "$tree" || { echo "$1 refuses '$3' in $2" && exit 1; }
}

must_print_rooms() {
  plant "$1" "$2"
  { check layering "$tree" || true; } | grep -q '^core/ops .*-> core/base core/tensor$\|^core/ops .*-> core/tensor core/base$' ||
    { echo "layering does not print the rooms" && exit 1; }
}

must_refuse_a_large_room() {
  local number
  plant core/ops/1.cpp ''
  for number in {2..20}; do echo >"$tree/core/ops/$number.cpp"; done
  { check layering "$tree" || true; } | grep -q '^core/ops: 21 sources' || { echo "layering lets a large room pass" && exit 1; }
}

prove() {
  tree=$(mktemp -d)
  trap 'rm -rf -- "$tree"' EXIT
  case "$1" in
    layering)
      must_find layering core/bad.cpp '#include "text/bpe.h"'
      must_find layering core/tensor/bad.h '#include "core/ops/linear.h"'
      must_find layering core/bad.h '  #  include <beeld/image.h>'
      must_find layering text/bad.cpp '#include "vision/preprocess/resample.h"'
      must_find layering text/bad.cpp '#include <beeld/image.h>'
      must_find layering vision/bad.cpp '#include <beeld/tokenizer.h>'
      must_find layering vision/bad.cpp '#include "../text/bpe.h"'
      must_find layering multimodal/bad.cpp '#include "cli/terminal/options.h"'
      must_find layering examples/bad.cpp '#include "core/tensor/tensor.h"'
      must_find layering examples/bad.cpp '#include <nlohmann/json.hpp>'
      must_find layering include/beeld/tokenizer.h '#include <beeld/model.h>'
      must_find layering include/beeld/model.h '#include "core/tensor/tensor.h"'
      must_find layering include/beeld/unknown.h '#include <vector>'
      must_print_rooms core/tensor/bad.h '#include "core/ops/linear.h"'
      must_refuse_a_large_room
      must_pass layering core/ops/good.cpp '#include "core/base/files.h"'
      must_pass layering multimodal/good.cpp '#include "text/bpe.h"\n#include <beeld/index.h>\n#include <sqlite3.h>'
      must_pass layering examples/good.cpp '#include <beeld/beeld.h>\n#include <string>'
      ;;
    every_room_is_on_the_map)
      must_find every_room_is_on_the_map text/new/bad.cpp ''
      must_pass every_room_is_on_the_map core/ops/good.cpp ''
      ;;
    ascii)
      must_find ascii text/bad.cpp 'caf\0303\0251'
      must_pass ascii text/good.cpp '\tcafe ~'
      ;;
    core_knows_no_family)
      must_find core_knows_no_family core/bad.h 'struct ClipBlock; // as in CLIP'
      must_find core_knows_no_family core/bad.cpp 'enum { siglip2_pool };'
      must_find core_knows_no_family core/bad.cpp '#include <opencv2/core.hpp>'
      must_pass core_knows_no_family core/good.cpp 'int clipped, activity;'
      must_pass core_knows_no_family vision/good.cpp '// CLIP'
      ;;
    short_files)
      must_find short_files cli/bad.cpp "$(yes '\n' | head -n 501 | tr -d '\n')"
      must_pass short_files cli/good.cpp "$(yes '\n' | head -n 499 | tr -d '\n')"
      ;;
    tests_name_errors)
      must_find tests_name_errors tests/core/bad.cpp '  EXPECT_THROW(read(file), Error);'
      must_find tests_name_errors tests/core/bad.cpp '  ASSERT_THROW(read(file), beeld::Error) << file;'
      must_find tests_name_errors tests/core/bad.cpp '  EXPECT_THROW(read(file),\n               Error);'
      must_pass tests_name_errors tests/core/good.cpp '  EXPECT_THROW(read(file), std::runtime_error);'
      must_pass tests_name_errors tests/core/good.cpp '  throw Error(ErrorCode::io, "x");'
      ;;
    library_is_silent)
      must_find library_is_silent core/bad.cpp '  std::cerr << 1;'
      must_find library_is_silent text/bad.cpp '  std::fprintf(stderr, "x");'
      must_find library_is_silent multimodal/bad.cpp '  if (x) exit(1);'
      must_find library_is_silent vision/bad.cpp '  assert(x);'
      must_pass library_is_silent core/good.cpp '  std::snprintf(text, 9, "x"); static_assert(true);'
      must_pass library_is_silent cli/good.cpp '  std::cout << 1;'
      ;;
  esac
}

case "$1" in
  prove) prove "$2" ;;
  *) check "$1" "$2" ;;
esac
