#!/usr/bin/env bash
# What the documents name must exist.
#
#   links.sh FOLDER   checks README.md, CONTRIBUTING.md and the *.md of docs and data: every relative link leads to a
#                     file; a link whose text is `code` leads to a file with that word in it; one whose text is
#                     `Suite.Name` to the file with that test
#   links.sh prove    proves that each of the three is found
set -euo pipefail
export LC_ALL=C

# Links of a document, one a line: text, a tab, target.
links() { grep -oE '\[[^][]+\]\([^()# ]+(#[^() ]*)?\)' "$1" | sed -E 's/^\[(.*)\]\(([^#]*)(#.*)?\)$/\1\t\2/' || true; }

check() {
  cd -- "$1"
  local document text target file name bad=0
  complain() { echo "$document: $1" && bad=1; }
  for document in README.md CONTRIBUTING.md docs/*.md data/*.md data/*/*.md; do
    [ -e "$document" ] || continue
    while IFS=$'\t' read -r text target; do
      case "$target" in http*://*) continue ;; esac
      file=$(dirname -- "$document")/$target
      if [ ! -e "$file" ]; then
        complain "no file $target"
        continue
      fi
      [[ $text =~ ^\`([^\`]+)\`$ && -f $file ]] || continue
      name=${BASH_REMATCH[1]}
      if [[ $name =~ ^([A-Z][A-Za-z0-9]*)\.([A-Za-z0-9_]+)$ ]]; then
        grep -qE "^TEST(_F|_P)?\(${BASH_REMATCH[1]}, ?${BASH_REMATCH[2]}\)" "$file" || complain "no test $name in $target"
      elif [[ $name != */* && $name != "$(basename -- "$file")" ]]; then
        grep -qwF -- "${name%()}" "$file" || complain "no $name in $target"
      fi
    done < <(links "$document")
  done
  return $bad
}

prove() {
  tree=$(mktemp -d)
  trap 'rm -rf -- "$tree"' EXIT
  mkdir "$tree/docs" "$tree/core"
  printf 'int softmax(int x);\nTEST(Softmax, Lecture) {}\n' >"$tree/core/a.cpp"

  refuses() {
    printf '%s\n' "$2" >"$tree/$1"
    if (check "$tree") >/dev/null; then echo "passes: $2" && exit 1; fi
    rm "$tree/$1"
  }
  refuses README.md 'see [the core](core/b.cpp)'
  refuses README.md 'see [`normalise`](core/a.cpp)'
  refuses docs/tour.md 'two links: [`softmax()`](../core/a.cpp), [`Softmax.Other`](../core/a.cpp).'
  printf 'good: [`softmax()`](../core/a.cpp), [`Softmax.Lecture`](../core/a.cpp), [x](https://example.org/y)\n' \
    >"$tree/docs/tour.md"
  check "$tree"
}

if [ "$1" = prove ]; then prove; else check "$1"; fi
