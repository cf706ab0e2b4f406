#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what Gyre needs: system packages, a Python environment with pinned versions, and the browser files.
# Runs as often as you like; the second time it only looks.
set -euo pipefail
cd "$(dirname "$0")/.."
tools="${GYRE_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/gyre}"
say() { printf '\033[2m· %s\033[0m\n' "$*" >&2; }

# System packages, by what tells that they are there.
missing=()
[ -e /usr/include/sqlite3.h ] || missing+=(libsqlite3-dev)
[ -e /usr/include/zlib.h ] || missing+=(zlib1g-dev)
command -v curl >/dev/null || missing+=(curl)
python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
ldconfig -p 2>/dev/null | grep -q 'libpython3.11.so.1' || missing+=(libpython3.11)
for extra in "$@"; do
  case "$extra" in
    chromium) command -v chromium >/dev/null || missing+=(chromium) ;;
    containers) for program in podman runc busybox; do command -v $program >/dev/null || missing+=(podman runc netavark busybox-static); done ;;
    sandbox) command -v bwrap >/dev/null || missing+=(bubblewrap); command -v pgrep >/dev/null || missing+=(procps) ;;
    canaille) command -v openssl >/dev/null || missing+=(openssl); command -v git >/dev/null || missing+=(git) ;;
    onnx-testdata) [ -e /usr/include/onnx/backend/test/data ] || missing+=(libonnx-testdata) ;;
    peers) [ -x /usr/bin/python3.11 ] || missing+=(python3.11) ;;
    wrk) command -v cc >/dev/null || missing+=(gcc); command -v wrk >/dev/null || missing+=(wrk); command -v h2load >/dev/null || missing+=(nghttp2-client) ;;
  esac
done
if [ ${#missing[@]} -gt 0 ]; then
  say "apt-get install ${missing[*]}"
  as_root=""
  [ "$(id -u)" = 0 ] || as_root=sudo
  $as_root apt-get update -qq
  DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq "${missing[@]}" >/dev/null
fi

# One Python environment outside of the tree: native libraries, uv, and the clients that the demo and the tests use.
stamp="$tools/python/stamp-$(sha256sum Scripts/requirements.txt | cut -c1-16)"
if [ ! -e "$stamp" ]; then
  say "Python environment in $tools/python (a few minutes the first time)"
  mkdir -p "$tools"
  rm -rf "$tools/python.new" "$tools/python"
  python3.11 -m venv "$tools/python.new" 2>/dev/null || python3 -m venv "$tools/python.new"
  "$tools/python.new/bin/python" -m pip install --quiet --disable-pip-version-check uv==0.13.9
  # An environment knows its own place, so it is made anew where it stays once uv is at hand.
  python3.11 -m venv "$tools/python" 2>/dev/null || python3 -m venv "$tools/python"
  "$tools/python.new/bin/uv" pip install --quiet --python "$tools/python/bin/python" -r Scripts/requirements.txt
  rm -rf "$tools/python.new"
  touch "$stamp"
fi

# Environments that only tests or benchmarks want: MLflow's former client, the clients of model servers, other model servers.
for extra in "$@"; do
  [ -e "Scripts/requirements-$extra.txt" ] || continue
  stamp="$tools/$extra/stamp-$(sha256sum "Scripts/requirements-$extra.txt" | cut -c1-16)"
  if [ ! -e "$stamp" ]; then
    say "Python environment in $tools/$extra"
    rm -rf "${tools:?}/$extra"
    # Triton's own Python fits Debian's 3.11 and not every later one, so the system's interpreter comes first.
    interpreter=/usr/bin/python3.11
    [ -x "$interpreter" ] || interpreter=$(command -v python3.11 || command -v python3)
    "$tools/python/bin/uv" venv --quiet --python "$interpreter" "$tools/$extra"
    "$tools/python/bin/uv" pip install --quiet --python "$tools/$extra/bin/python" -r "Scripts/requirements-$extra.txt"
    touch "$stamp"
  fi
done

# uPlot, out of the wheel that carries it, checked byte for byte.
static="$tools/static"
site=$("$tools/python/bin/python" -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')
mkdir -p "$static"
while read -r sum name path; do
  echo "$sum  $static/$name" | sha256sum --check --status 2>/dev/null && continue
  cp "$site/$path" "$static/$name"
  echo "$sum  $static/$name" | sha256sum --check --quiet
done < Scripts/static.sha256
