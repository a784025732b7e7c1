#!/bin/sh
# Puts prometheus and promtool into a folder: those that are installed, or Debian's package, which apt checks against
# the archive's signature and which is unpacked here, without root. Fails where there is neither.
set -eu
folder=$1
mkdir -p "$folder/bin"
cd "$folder"

link() {
    for program in prometheus promtool; do ln -sf "$(PATH=$1:$PATH command -v "$program")" "bin/$program"; done
}

if command -v prometheus >/dev/null && command -v promtool >/dev/null; then
    link /usr/bin
    exit
fi
command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null ||
    { echo "Prometheus is needed: install it (brew install prometheus), so that prometheus and promtool are on PATH." >&2; exit 1; }

# a state of its own: the machine's lists may be missing, and only root can fetch them
mkdir -p apt/lists/partial apt/archives/partial
apt() {
    command="$1"
    shift
    "apt-$command" -qq -o Dir::State::Lists="$PWD/apt/lists" -o Dir::Cache="$PWD/apt" -o APT::Sandbox::User=root "$@"
}
apt get update
packages=prometheus
apt cache show promtool >/dev/null 2>&1 && packages="$packages promtool"  # a package of its own since 2.53
# shellcheck disable=SC2086 -- two words
apt get download $packages
for package in ./*.deb; do dpkg-deb --extract "$package" .; done
rm -rf ./*.deb apt
link "$PWD/usr/bin"
