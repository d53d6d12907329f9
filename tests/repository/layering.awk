# Reads C++ files and prints every #include that points up, every circle of rooms, and every room that is too
# large. The floors, from the ground:
#
#   core <- text, vision <- multimodal <- cli
#
# Text and vision never meet. A room is a folder of a floor; what rooms include forms no circle. A public header
# belongs to the room that implements it. Public headers and examples see <beeld/...> and the standard library
# alone. With -v graph=1 the rooms and their arrows are printed whatever was found, else where something was.

BEGIN {
  most_sources = 20

  may["core"] = "core"
  may["text"] = "core text"
  may["vision"] = "core vision"
  may["multimodal"] = "core text vision multimodal"
  may["examples"] = may["multimodal"]
  may["cli"] = may["multimodal"] " cli"
  may["data"] = "core data"
  may["bench"] = may["multimodal"] " bench"

  home["error"] = "core/base"
  home["matrix"] = "core/tensor"
  home["weight_type"] = "core/kernels"
  home["tokenizer"] = "text/tokenizer"
  home["image"] = "vision/decode"
  home["model"] = "multimodal/model"
  home["zero_shot"] = "multimodal/search"
  home["index"] = "multimodal/index"
  home["cluster"] = "multimodal/cluster"
  home["store"] = "multimodal/hub"
  home["beeld"] = "multimodal"
}

# The room of a path: "text/unicode/utf8.h" is in text/unicode, "beeld/image.h" in vision/decode.
function room_of(path,    parts, count) {
  count = split(path, parts, /[\/.]/)
  if (parts[1] == "beeld") return parts[2] in home ? home[parts[2]] : "no room known to layering.awk"
  return count > 3 && parts[1] in may ? parts[1] "/" parts[2] : parts[1]
}

function floor_of(room,    parts) {
  split(room, parts, "/")
  return parts[1]
}

function complain(reason) {
  print FILENAME ":" FNR ": " reason
  violations = 1
}

FNR == 1 {
  public_only = FILENAME ~ /^(include|examples)\//
  own = FILENAME
  sub(/^include\//, "", own)
  from = room_of(own)
  if (!(floor_of(from) in may)) complain("belongs to " from)
  rooms[from] = 1
  # data/scenes is a program of its own, and no room of the library.
  if (FILENAME ~ /\.cpp$/ && from !~ /^data/) ++sources[from]
}

/^[ \t]*#[ \t]*include[ \t]*[<"]/ {
  split($0, parts, /[<">]/)
  path = parts[2]
  to = room_of(path)
  if (path ~ /\.\./) complain(path " is relative")
  else if (public_only && path ~ /[\/.]/ && path !~ /^beeld\//) complain(path " is neither public nor standard")
  else if (floor_of(to) in may || path ~ /^beeld\//) {
    if (index(" " may[floor_of(from)] " ", " " floor_of(to) " ") == 0) complain(from " may not include " path)
    if (from != to && !((from, to) in arrows)) arrows[from, to] = FILENAME ":" FNR ": " from " includes " path
  }
}

# Takes away rooms that nothing below them is left of, until none is: what stays is in a circle, or stands on one.
function find_circles(    changed, room, arrow, ends, waits, circle) {
  for (room in rooms) circle[room] = 1
  do {
    changed = 0
    for (room in circle) {
      waits = 0
      for (arrow in arrows) {
        split(arrow, ends, SUBSEP)
        if (ends[1] == room && ends[2] in circle) waits = 1
      }
      if (!waits) {
        delete circle[room]
        changed = 1
      }
    }
    # And those that nothing left stands on.
    for (room in circle) {
      waits = 0
      for (arrow in arrows) {
        split(arrow, ends, SUBSEP)
        if (ends[2] == room && ends[1] in circle) waits = 1
      }
      if (!waits) {
        delete circle[room]
        changed = 1
      }
    }
  } while (changed)
  for (arrow in arrows) {
    split(arrow, ends, SUBSEP)
    if (ends[1] in circle && ends[2] in circle) {
      print arrows[arrow] ": the rooms form a circle"
      violations = 1
    }
  }
}

function print_graph(    room, arrow, ends, line, command) {
  command = "sort"
  for (room in rooms) {
    if (room ~ /^(examples|bench|data)/) continue
    line = ""
    for (arrow in arrows) {
      split(arrow, ends, SUBSEP)
      if (ends[1] == room) line = line " " ends[2]
    }
    printf "%-24s %2d sources  ->%s\n", room, sources[room], line | command
  }
  close(command)
}

END {
  find_circles()
  for (room in sources)
    if (sources[room] > most_sources) {
      print room ": " sources[room] " sources; " most_sources " are the limit of a room"
      violations = 1
    }
  if (violations || graph) print_graph()
  exit violations
}
