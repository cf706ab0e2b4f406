#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs the serving tests with a sanitized binary: sanitize.sh BINARY KIND. What the sanitizer says is in the server's log.
set -euo pipefail
cd "$(dirname "$0")/.."
binary="$(realpath "$1")"
tools="${GYRE_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/gyre}"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
export TSAN_OPTIONS="suppressions=$PWD/Tests/thread.suppressions exitcode=0" ASAN_OPTIONS="detect_leaks=0 detect_stack_use_after_return=0"
for script in serving_clients serving_grpc serving_runtimes rollout_day serving_fuzz; do
  mkdir -p "$work/$script"
  echo "· $2: $script" >&2
  "$tools/python/bin/python" "Tests/ClientTests/Scripts/$script.py" "$binary" "$work/$script" "$tools/serving/bin/python" >"$work/$script.out" 2>&1 || { cat "$work/$script.out"; exit 1; }
  if grep -rlE "WARNING: ThreadSanitizer|ERROR: AddressSanitizer" "$work/$script"/*.log; then
    grep -rhE -A40 "WARNING: ThreadSanitizer|ERROR: AddressSanitizer" "$work/$script"/*.log | head -120
    exit 1
  fi
done
