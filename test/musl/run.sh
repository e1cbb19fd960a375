#!/usr/bin/env bash
# The musl executable, run for real: a root folder with musl's loader, libstdc++ and libgcc and nothing else, voik in
# it by chroot, clients outside. What stands in this root is what Dockerfile.alpine has to install.
#
#   ROOT/lib/ld-musl-x86_64.so.1        Debian's musl package (13: older ones lack DT_RELR, which Alpine's GCC uses)
#   ROOT/lib/libc.musl-x86_64.so.1      Alpine's name for the same file
#   ROOT/usr/lib/libstdc++.so.6, libgcc_s-*.so.1   built for musl; they travel in a musllinux wheel from PyPI
#   ROOT/usr/bin/voik                   dist/voik-linux-x64-musl, built when it is missing
#
# Needs x86-64 Linux, and there root, apt, pip, kcat and strace; where one is missing it says so and leaves with 0, or
# with 1 when VOIK_REQUIRE_CLIENTS=1.
set -euo pipefail
cd "$(dirname "$0")/../.."

skip() {
  echo "skipped: the musl smoke test needs $1"
  [ "${VOIK_REQUIRE_CLIENTS:-0}" != 1 ]
  exit
}
if [ "$(uname -sm)" != "Linux x86_64" ]; then
  echo "skipped: the musl smoke test is for Linux on x86-64"
  exit 0
fi
[ "$(id -u)" = 0 ] || skip "root (it uses chroot)"
for tool in apt-get dpkg-deb pip3 kcat strace; do
  command -v "$tool" >/dev/null || skip "$tool"
done
[ -r /usr/share/keyrings/debian-archive-keyring.gpg ] || skip "Debian's archive keyring"

BUN=node_modules/.bin/bun
VOIK=dist/voik-linux-x64-musl
[ -x "$VOIK" ] || "$BUN" deploy/build.ts bun-linux-x64-musl

work=$(mktemp -d "${TMPDIR:-/tmp}/voik-musl-XXXXXX")
trap 'rm -rf "$work"' EXIT
root=$work/root
mkdir -p "$root"/{lib,usr/lib,usr/bin,tmp,data} "$work"/apt/{lists/partial,cache/archives/partial,parts}
chmod 755 "$work" "$root"

echo "== musl from Debian 13"
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian trixie main" \
  >"$work/apt/sources.list"
apt=(apt-get -qq
  -o "Dir::Etc::sourcelist=$work/apt/sources.list" -o "Dir::Etc::sourceparts=$work/apt/parts"
  -o "Dir::State::lists=$work/apt/lists" -o "Dir::Cache=$work/apt/cache" -o APT::Sandbox::User=root
  -o Acquire::Languages=none -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false)
"${apt[@]}" update
(cd "$work" && "${apt[@]}" download musl)
dpkg-deb --extract "$work"/musl_*.deb "$work/musl"
cp "$(find "$work/musl" -path '*x86_64-linux-musl/libc.so')" "$root/lib/ld-musl-x86_64.so.1"
ln -s ld-musl-x86_64.so.1 "$root/lib/libc.musl-x86_64.so.1"

echo "== libstdc++ and libgcc for musl from PyPI"
cat >"$work/wheel.txt" <<'WHEEL'
contourpy==1.4.0 --hash=sha256:3863ef2e2b13fe93f8c0ebb08ee400cb07153b8b0e91c5acb26e4537f283634f
WHEEL
pip3 download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --python-version 3.12 \
  --platform musllinux_1_2_x86_64 --require-hashes --requirement "$work/wheel.txt" --dest "$work"
python3 -m zipfile -e "$work"/contourpy-*.whl "$work/wheel"
cp "$work"/wheel/contourpy.libs/libstdc++-*.so.6* "$root/usr/lib/libstdc++.so.6"
cp "$work"/wheel/contourpy.libs/libgcc_s-*.so.1 "$root/usr/lib/"

echo "== voik in $(cd "$root" && find lib usr -type f -o -type l | sort | tr '\n' ' ')"
cp "$VOIK" "$root/usr/bin/voik"
chown 10001:65534 "$root/data" "$root/tmp"
"$BUN" test/musl/smoke.ts "$root"
