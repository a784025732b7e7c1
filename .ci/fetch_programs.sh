#!/bin/sh
# Put programs into a new folder. Installed programs are linked. Otherwise the Debian packages of the same names and their
# libraries are downloaded and unpacked, without root. apt checks them against the signature of the archive.
# The script fails with 127 if the programs are not installed and there is no apt.
set -eu
folder=$1
shift
rm -rf "$folder"
mkdir -p "$folder/bin"
cd "$folder"
PATH=$PATH:/usr/sbin:/usr/local/sbin # Debian installs servers there, and only root has these folders on PATH

installed() {
    for program; do command -v "$program" >/dev/null || return 1; done
}

if installed "$@"; then
    for program; do ln -sf "$(command -v "$program")" "bin/$program"; done
    exit
fi
installed apt-get dpkg-deb || { echo "Install these programs and add them to PATH: $*" >&2; exit 127; }

# own package lists: those of the machine may be missing, and only root can update them
mkdir -p apt/lists/partial apt/archives/partial
apt() {
    command="$1"
    shift
    "apt-$command" -qq -o Dir::State::Lists="$PWD/apt/lists" -o Dir::Cache="$PWD/apt" -o APT::Sandbox::User=root \
        -o Acquire::Retries=3 "$@"
}
# without libc, which must match the loader, and without the JavaScript of the web pages of Prometheus
libraries() {
    apt cache show --no-all-versions "$1" | sed -n 's/^Depends: //p' | tr ',' '\n' | awk '{ print $1 }' |
        grep '^lib' | grep -v -e '^libc6' -e '^libjs-' || true
}
apt get update
packages=
for program; do # promtool has its own package since 2.53
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
