# Reads C++ files and prints every #include that points up. The folders, from the ground:
#
#   core <- text, vision <- multimodal <- cli
#
# Text and vision never meet. A public header belongs to the folder that implements it. Public headers and
# examples see <beeld/...> and the standard library alone.

BEGIN {
  may["core"] = "core"
  may["text"] = "core text"
  may["vision"] = "core vision"
  may["multimodal"] = "core text vision multimodal"
  may["examples"] = may["multimodal"]
  may["cli"] = may["multimodal"] " cli"
  may["data"] = "core data"
  may["bench"] = may["multimodal"] " bench"

  home["error"] = home["matrix"] = home["weight_type"] = "core"
  home["tokenizer"] = "text"
  home["image"] = "vision"
  home["model"] = home["zero_shot"] = home["index"] = home["cluster"] = home["store"] = "multimodal"
  home["beeld"] = "multimodal"
}

# The folder that a path belongs to: "text/bpe.h" to text, "beeld/image.h" to vision, <vector> to none.
function folder_of(path,    parts) {
  split(path, parts, /[\/.]/)
  if (parts[1] == "beeld") return parts[2] in home ? home[parts[2]] : "no folder known to layering.awk"
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
  from = folder_of(own)
  if (!(from in may)) complain("belongs to " from)
}

/^[ \t]*#[ \t]*include[ \t]*[<"]/ {
  split($0, parts, /[<">]/)
  path = parts[2]
  to = folder_of(path)
  if (path ~ /\.\./) complain(path " is relative")
  else if (public_only && path ~ /[\/.]/ && path !~ /^beeld\//) complain(path " is neither public nor standard")
  else if ((to in may || path ~ /^beeld\//) && index(" " may[from] " ", " " to " ") == 0)
    complain(from " may not include " path)
}

END { exit violations }
