#!/usr/bin/env bash
# Every field that a run file may have is described in docs/training.md.
#
#   run_file.sh FOLDER   prints every field that run_file.cpp reads and the document does not name in backticks
#   run_file.sh prove    proves that a field without a description is found
set -euo pipefail
export LC_ALL=C

reader=multimodal/training/run_file.cpp
document=docs/training.md

# The names in settings.string("task", ...), number(settings, "weight", ...) and weight("sigmoid", ...).
fields() {
  grep -oE '(settings\.[a-z]+\(|\(settings, |[^a-z_]weight\()"[a-z0-9_]+"' "$reader" |
    grep -oE '[a-z0-9_]+"$' | tr -d '"' | sort -u
}

check() {
  cd -- "$1"
  local all field bad=0
  all=$(fields) || return 1
  for field in $all; do
    grep -qF -- "\`$field\`" "$document" || { echo "$document does not describe \`$field\`" && bad=1; }
  done
  return $bad
}

prove() {
  tree=$(mktemp -d)
  trap 'rm -rf -- "$tree"' EXIT
  mkdir -p "$tree/docs" "$tree/multimodal/training"
  cat >"$tree/$reader" <<'END'
  run.steps = settings.bounded("steps", 0, 0, most);
  source.weight = number(settings, "weight", 1, 0, unbounded);
  loss.sigmoid = weight("sigmoid", 0);
  fail(settings, "steps is missing");
END
  local described
  for described in '`steps` `weight`' '`steps` `sigmoid`' '`weight` `sigmoid` steps'; do
    echo "$described" >"$tree/$document"
    if (check "$tree") >/dev/null; then echo "passes with only $described" && exit 1; fi
  done
  echo '`steps`, `weight`, `sigmoid`' >"$tree/$document"
  check "$tree"
}

if [ "$1" = prove ]; then prove; else check "$1"; fi
