# From lines of WHAT<TAB>old|new<TAB>VALUE to a table of medians and their ratios. Exit status 1 where the new one is
# worse: below 0.98 of a rate, above 1.02 of what is counted in MB.
BEGIN {
  FS = "\t"
  print "| | old | min-max | new | min-max | new/old | |\n|---|---:|---:|---:|---:|---:|---|"
}

{
  if (!($1 in count)) order[++measures] = $1
  values[$1, $2, ++count[$1, $2]] = $3 + 0
  count[$1] = 1
}

# The median of one side; low and high are set, too.
function median(what, side,    n, i, j, value, sorted) {
  n = count[what, side]
  for (i = 1; i <= n; i++) {
    value = values[what, side, i]
    for (j = i - 1; j > 0 && sorted[j] > value; j--) sorted[j + 1] = sorted[j]
    sorted[j + 1] = value
  }
  low = sorted[1]
  high = sorted[n]
  return n % 2 ? sorted[(n + 1) / 2] : (sorted[n / 2] + sorted[n / 2 + 1]) / 2
}

function shown(value) { return sprintf(value < 100 ? "%.2f" : "%.0f", value) }

END {
  for (m = 1; m <= measures; m++) {
    what = order[m]
    if (!count[what, "old"] || !count[what, "new"]) {
      print "versus: " what " was measured on one side only" > "/dev/stderr"
      worse = 1
      continue
    }
    old = median(what, "old")
    spread = shown(low) "-" shown(high)
    new = median(what, "new")
    ratio = new / old
    bad = what ~ /MB$/ ? ratio > 1.02 : ratio < 0.98
    if (bad) worse = 1
    printf "| %s | %s | %s | %s | %s-%s | %.3f | %s |\n", what, shown(old), spread, shown(new), shown(low),
      shown(high), ratio, bad ? "worse" : ""
  }
  if (!measures) {
    print "versus: nothing was measured" > "/dev/stderr"
    worse = 1
  }
  exit worse
}
