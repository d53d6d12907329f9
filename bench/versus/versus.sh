# shellcheck shell=bash
# Read by ./dev: speed and memory of this tree beside a commit's, both built here and run in turns.

versus_steps=12 versus_batch=128

# bench_versus COMMIT [ROUNDS]
bench_versus() {
  local commit rounds="${2:-5}" here=build/versus old round
  commit=$(git rev-parse --verify --quiet "${1:-}^{commit}") ||
    stop "bench versus: expected a commit, got '${1:-}'" 2
  old="$here/$commit"
  if [ ! -e "$old/CMakeLists.txt" ]; then
    mkdir -p "$old"
    git archive "$commit" | tar -x -C "$old"
  fi
  build release beeld_cli beeld_bench_model beeld_scenes
  quietly versus-configure env -C "$old" CCACHE_BASEDIR="$PWD/$old" CCACHE_NOHASHDIR=1 cmake --preset release
  quietly versus-build env CCACHE_BASEDIR="$PWD/$old" CCACHE_NOHASHDIR=1 cmake --build "$old/build" --target beeld_cli
  versus_driver "$PWD/$old/build" "$here/old"
  versus_driver "$PWD/build" "$here/new"
  versus_inputs "$here"
  : >"$here/values.tsv"
  for side in old new; do # a library of many pictures, for each to search in
    rm -rf "$here/$side/many.db"*
    "$here/$side/driver" index data/model "$here/many" "$here/$side/many.db" >/dev/null
  done
  ln -sfn "$PWD/$old/build/beeld" "$here/old/beeld"
  ln -sfn "$PWD/build/beeld" "$here/new/beeld"
  for ((round = 0; round < rounds; round++)); do versus_round "$here" $((round % 2)); done
  printf 'old: %s\nnew: this tree\n\n' "$(git log -1 --format='%h %s' "$commit")"
  awk -f bench/versus/table.awk "$here/values.tsv"
}

# versus_driver BUILD FOLDER: the program that times, against one of the two.
versus_driver() {
  quietly versus-driver cmake -G Ninja -S bench/versus -B "$2" -DCMAKE_BUILD_TYPE=Release -Dbeeld_DIR="$1"
  quietly versus-driver cmake --build "$2"
}

# versus_inputs FOLDER: a checkpoint of the size of CLIP ViT-B/32, 600 different pictures, 24,000 that are not, and a
# run file with scenes to train on.
versus_inputs() {
  [ ! -e "$1/run.json" ] || return 0
  local pictures=(data/gallery/*.jpg) i
  rm -rf "$1/clip" "$1/some" "$1/many" "$1/scenes"
  mkdir -p "$1/clip" "$1/some" "$1/many/0"
  build/bench/beeld_bench_model "$1/clip"
  for ((i = 0; i < 600; i++)); do
    { cat "${pictures[i % ${#pictures[@]}]}" && echo "$i"; } >"$1/some/$i.jpg"
  done
  ln "$1"/some/*.jpg "$1/many/0"
  for ((i = 1; i < 40; i++)); do cp -al "$1/many/0" "$1/many/$i"; done
  build/data/scenes/draw_scenes --split train --pictures 2000 --out "$1/scenes"
  cat >"$1/run.json" <<END
{"sources": [{"name": "scenes", "shards": ["$PWD/$1/scenes/*.tar"]}], "batch": $versus_batch, "steps": $versus_steps,
 "seed": 1, "optimizer": {"learning_rate": 0.0001}}
END
}

# versus_round FOLDER ODD: a processor's clock changes within minutes, so the two sides take turns at every measure, and
# take turns at being the first.
versus_round() {
  local sides=(old new) what side
  [ "$2" = 0 ] || sides=(new old)
  for what in pictures_1 pictures_32 texts_32 train index search; do
    for side in "${sides[@]}"; do "versus_$what" "$1" "$1/$side/driver"; done
  done
}

versus_pictures_1() { note "encode pictures, batch 1" "$2" encode "$1/clip" 1; }
versus_pictures_32() { note "encode pictures, batch 32" "$2" encode "$1/clip" 32; }
versus_texts_32() { note "encode texts, batch 32" "$2" texts "$1/clip" 32; }

versus_train() {
  rm -rf "$1/$side/trained"
  note "train" "$2" run $((versus_steps * versus_batch)) "$1/$side/beeld" train "$1/run.json" \
    --init data/model --out "$1/$side/trained" --quiet
}

versus_index() {
  rm -rf "$1/$side/some.db"*
  note "index" "$2" index data/model "$1/some" "$1/$side/some.db"
}

versus_search() { note "search in 24,000" "$2" search data/model "$1/$side/many.db"; }

# note WHAT DRIVER ARGUMENT...: of the caller's side.
note() {
  local what="$1" rate memory
  shift
  "$@" >build/versus/line 2>build/versus-run.log || stop "bench versus: $* failed: $(tail -n 1 build/versus-run.log)"
  read -r rate memory < <(tail -n 1 build/versus/line)
  printf '%s\t%s\t%s\n' "$what: a second" "$side" "$rate" "$what: MB" "$side" "$memory" >>build/versus/values.tsv
}
