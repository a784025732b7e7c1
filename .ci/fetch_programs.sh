#!/bin/sh
# Puts programs into a folder, which is made anew: those that are installed, or Debian's packages of these names with the
# libraries that they ask for, which apt checks against the archive's signature and which are unpacked here, without root.
# Fails where there is neither (127).
set -eu
folder=$1
shift
rm -rf "$folder"
mkdir -p "$folder/bin"
cd "$folder"
PATH=$PATH:/usr/sbin:/usr/local/sbin # where Debian puts servers, which only root looks for

installed() {
    for program; do command -v "$program" >/dev/null || return 1; done
}

if installed "$@"; then
    for program; do ln -sf "$(command -v "$program")" "bin/$program"; done
    exit
fi
installed apt-get dpkg-deb || { echo "Needed on PATH, by a package or from elsewhere: $*" >&2; exit 127; }

# a state of its own: the machine's lists may be missing, and only root can fetch them
mkdir -p apt/lists/partial apt/archives/partial
apt() {
    command="$1"
    shift
    "apt-$command" -qq -o Dir::State::Lists="$PWD/apt/lists" -o Dir::Cache="$PWD/apt" -o APT::Sandbox::User=root \
        -o Acquire::Retries=3 "$@"
}
# not libc, which goes with the loader; of a Go program's, not what its pages show
libraries() {
    apt cache show --no-all-versions "$1" | sed -n 's/^Depends: //p' | tr ',' '\n' | awk '{ print $1 }' |
        grep '^lib' | grep -v -e '^libc6' -e '^libjs-' || true
}
apt get update
packages=
for program; do # promtool is a package of its own since 2.53
    if apt cache show "$program" >/dev/null 2>&1; then packages="$packages $program $(libraries "$program")"; fi
done
# shellcheck disable=SC2086 -- several words
apt get download $packages
for package in ./*.deb; do dpkg-deb --extract "$package" .; done
rm -rf ./*.deb apt
found=
for place in usr/lib/*-linux-* lib/*-linux-*; do [ ! -d "$place" ] || found="$found$PWD/$place:"; done
for program; do
    [ -x "usr/sbin/$program" ] && place=usr/sbin || place=usr/bin
    printf '#!/bin/sh\nexec env LD_LIBRARY_PATH="%s" "%s" "$@"\n' "$found" "$PWD/$place/$program" >"bin/$program"
    chmod +x "bin/$program"
done
