#!/usr/bin/env bash
# sysroot.sh FOLDER PACKAGE...: unpacks Debian's arm64 packages, with what they depend on, into FOLDER. Nothing of the
# machine's own packages is touched, and no script of theirs is run.
set -euo pipefail
root=$(realpath -m -- "$1")
shift
done="$root/.unpacked"
[ "$(cat "$done" 2>/dev/null)" != "$*" ] || exit 0

apt="$root.apt"
mkdir -p "$root" "$apt"/{state/lists/partial,cache/archives/partial}
: >"$apt/status"
apt_get() {
  apt-get -q -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o APT::Install-Recommends=false \
    -o APT::Sandbox::User= -o APT::Keep-Downloaded-Packages=true -o Debug::NoLocking=true \
    -o Dir::State="$apt/state" -o Dir::State::status="$apt/status" -o Dir::Cache="$apt/cache" \
    -o DPkg::Post-Invoke= -o APT::Update::Post-Invoke= "$@"
}
apt_get update
apt_get install --yes --download-only "$@"
for package in "$apt"/cache/archives/*.deb; do dpkg-deb --extract "$package" "$root"; done
# Links to absolute paths would lead out of the folder.
find "$root" -type l -lname '/*' -print0 | while IFS= read -r -d '' link; do
  ln -sfn -- "$(realpath -ms --relative-to="$(dirname -- "$link")" -- "$root$(readlink -- "$link")")" "$link"
done
rm -rf "$apt"
echo "$*" >"$done"
