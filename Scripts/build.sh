#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds what its arguments say (those of swift build); a warning about our own code fails the build as an error does.
# The compiler warns of a file when it compiles it, so a build that is up to date is quiet, and a fresh clone hears everything.
set -uo pipefail
cd "$(dirname "$0")/.."
log=$(mktemp)
trap 'rm -f "$log"' EXIT
swift build "$@" >"$log" 2>&1
status=$?
if [ $status -ne 0 ]; then
  grep -vE '^\[[0-9]+/[0-9]+\] ' "$log" >&2
  exit $status
fi
warnings=$(grep -E "^($PWD/)?(Package\.swift|Sources/|Tests/).*: warning: " "$log" | sort -u)
if [ -n "$warnings" ]; then
  printf '%s\n' "$warnings" >&2
  # What was warned of is compiled now: without this the next build would not tell of it again.
  printf '%s\n' "$warnings" | cut -d: -f1 | sort -u | xargs touch
  exit 1
fi
